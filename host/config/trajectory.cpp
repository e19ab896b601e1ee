// What of a config decides the numbers, its hash and its differences.
#include "config/trajectory.h"

#include <algorithm>
#include <map>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/hash.h"
#include "config/host_keys.h"
#include "config/schema.h"

namespace trainhost {
namespace {

using nlohmann::json;

constexpr const char* kAbsent = "absent";

void flatten(const json& values, KeyPath& path, std::map<std::string, std::string>& out) {
  for (const auto& [key, value] : values.items()) {
    path.push_back(key);
    if (value.is_object())
      flatten(value, path, out);
    else
      out[key_text(path)] = value.dump();
    path.pop_back();
  }
}

std::map<std::string, std::string> flat(const json& values, const std::string& table) {
  std::map<std::string, std::string> out;
  KeyPath path = table.empty() ? KeyPath{} : KeyPath{table};
  if (values.is_object()) flatten(values, path, out);
  return out;
}

void compare(const json& before, const json& after, const std::string& table, const std::string& plugin, std::vector<Difference>& out) {
  const auto old_values = flat(before, table), new_values = flat(after, table);
  std::map<std::string, std::string> all = old_values;
  all.insert(new_values.begin(), new_values.end());
  const auto value_in = [](const auto& values, const std::string& key) { return values.contains(key) ? values.at(key) : std::string(kAbsent); };
  for (const auto& [key, unused] : all)
    if (const Difference difference{key, plugin, value_in(old_values, key), value_in(new_values, key)}; difference.before != difference.after)
      out.push_back(difference);
}

std::string name_of(const std::string& plugin) { return plugin.substr(plugin.find('/') + 1); }

bool accepts(const std::string& name, const Difference& difference) {
  if (name == difference.key || difference.key.starts_with(name + ".")) return true;
  return !difference.plugin.empty() && (name == difference.plugin || name == name_of(difference.plugin));
}

// A length that the schedule's own table states stands in schedule_length already: stating the length that a run has anyway changes nothing.
json plugin_part(const PluginConfig& plugin) {
  json part = plugin.trajectory;
  if (plugin.kind != "lr_schedule" || !part.contains("length")) return part;
  const json& length = part["length"];
  if (length.is_string() && !length.get<std::string>().empty() && parse_interval(length.get<std::string>(), plugin.table).unit != Unit::kPercent) part.erase("length");
  return part;
}

}  // namespace

std::optional<Interval> schedule_length(const ResolvedConfig& config, const std::optional<Interval>& stored) {
  for (const PluginConfig& plugin : config.plugins) {
    const json* length = plugin.kind == "lr_schedule" ? plugin.tree.find({"length"}) : nullptr;
    if (!length || !length->is_string() || length->get<std::string>().empty()) continue;
    const std::string place = format("{}: {}.length", plugin.tree.origin({"length"}).text, plugin.table);
    const Interval stated = parse_interval(length->get<std::string>(), place);
    require_measurable(stated, {config.run.currency, config.run.price_per_hour.has_value(), true}, place);
    if (stated.unit != Unit::kPercent) return stated;
  }
  return stored ? stored : run_length(config.run.max);
}

json trajectory(const ResolvedConfig& config, const std::optional<Interval>& length) {
  json result = {{"host", trajectory_part(host_schema(), config.host.values())}, {"plugins", json::object()}, {"order", json::object()}};
  std::map<std::string, std::vector<std::string>> order;
  for (const PluginConfig& plugin : config.plugins) {
    const bool is_in_parts = plugin.kind == "data_source" && !config.mixture.empty();
    if (plugin.trajectory.is_null() || is_in_parts) continue;
    result["plugins"][plugin.kind + "/" + plugin.name] = plugin_part(plugin);
    order[plugin.kind].push_back(plugin.name);
  }
  for (const EvaluationSources& part : config.mixture)
    for (const PluginConfig& plugin : part.plugins)
      if (!plugin.trajectory.is_null()) result["mixture"][part.set][plugin.name] = plugin.trajectory;
  for (const auto& [kind, names] : order)
    if (names.size() > 1) result["order"][kind] = names;
  result["schedule_length"] = length ? json(interval_text(length->amount, length->unit, length->currency)) : json(kAbsent);
  return result;
}

std::string trajectory_hash(const json& trajectory) {
  json hashed = trajectory;
  if (hashed.contains(kInitialWeights)) hashed["host"]["model"].erase("init_from");  // what was read counts, not where it lay
  return content_hash(hashed.dump());
}

std::vector<Difference> trajectory_differences(const json& before, const json& after) {
  const auto part = [](const json& whole, const char* key) { return whole.value(key, json::object()); };
  std::vector<Difference> differences;
  compare(part(before, "host"), part(after, "host"), "", "", differences);
  const json old_plugins = part(before, "plugins"), new_plugins = part(after, "plugins");
  json all = old_plugins;
  all.update(new_plugins);
  for (const auto& [plugin, unused] : all.items()) {
    const bool was_chosen = old_plugins.contains(plugin), is_chosen = new_plugins.contains(plugin);
    if (was_chosen && is_chosen)
      compare(old_plugins[plugin], new_plugins[plugin], name_of(plugin), plugin, differences);
    else
      differences.push_back({name_of(plugin), plugin, was_chosen ? "chosen" : kAbsent, is_chosen ? "chosen" : kAbsent});
  }
  const auto parts = [&](const json& whole) { return json{{"data", {{"mixture", part(whole, "mixture")}}}}; };
  compare(parts(before), parts(after), "", "data_source/mixture", differences);
  compare(part(before, "order"), part(after, "order"), "order", "", differences);
  const json lengths[] = {{{"schedule_length", before.value("schedule_length", json(kAbsent))}},
                          {{"schedule_length", after.value("schedule_length", json(kAbsent))}}};
  compare(lengths[0], lengths[1], "", "", differences);
  return differences;
}

std::vector<Difference> unaccepted(const std::vector<Difference>& differences, const std::vector<std::string>& accepted) {
  std::vector<Difference> left;
  for (const Difference& difference : differences)
    if (std::none_of(accepted.begin(), accepted.end(), [&](const std::string& name) { return accepts(name, difference); })) left.push_back(difference);
  return left;
}

std::string differences_text(const std::vector<Difference>& differences) {
  std::string text;
  for (const Difference& difference : differences)
    text += format("{}  {}: {} in the checkpoint, {} now", text.empty() ? "" : "\n", difference.key, difference.before, difference.after);
  return text;
}

}  // namespace trainhost
