// `trainhost ckpt diff A B`: tensors, config, plugins.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>

#include <nlohmann/json.hpp>

#include "base/table.h"
#include "checkpoint/difference.h"
#include "commands/ckpt_command.h"
#include "config/trajectory.h"

namespace trainhost {
namespace {

using nlohmann::json;

constexpr size_t kRowsShown = 20;

/// One side; parts are read when they are compared, so that memory holds one part of each.
struct Side {
  CheckpointPlace& place;
  CheckpointFolder folder;
  Manifest manifest;
  json run_state;

  Side(CheckpointPlace& its_place, CheckpointFolder its_folder) : place(its_place), folder(std::move(its_folder)) {
    manifest = read([](CheckpointReader& reader) { return reader.manifest(reader.commit()); });
    run_state = read([&](CheckpointReader& reader) {
      const json parsed = json::parse(reader.object(manifest, kRunStateObject).text(), nullptr, false);
      if (!parsed.is_object()) reader.fail("data", kRunStateObject, "is no JSON object");
      return parsed;
    });
  }
  /// The manifest vouches for what is read of any copy.
  template <class Read>
  std::invoke_result_t<Read, CheckpointReader&> read(const Read& use) {
    return read_any_copy(place.objects(), folder, [&](ObjectStore& objects, const CheckpointFolder& copy) {
      CheckpointReader reader(objects, "", copy, kReadThreads);
      return use(reader);
    });
  }
  uint64_t bytes(std::string_view object) const { return manifest.object(object).bytes; }
};

struct Found {
  std::string part;
  TensorDifference::Kind kind;
  std::string name, before, after;  // name; types
  double norm, relative_norm, largest;
};

std::string_view kind_text(TensorDifference::Kind kind) {
  switch (kind) {
    case TensorDifference::Kind::kAdded: return "added";
    case TensorDifference::Kind::kRemoved: return "removed";
    case TensorDifference::Kind::kRetyped: return "retyped";
    default: return "changed";
  }
}

struct PartResult {
  std::string part;
  size_t num_tensors = 0;  // of B
  std::vector<Found> found;
};

PartResult compare_part(const Request& request, Side& before, Side& after, std::string_view object) {
  std::vector<Buffer> buffers;
  const auto read = [&](Side& side) {
    const ShownReading shown(request, side.place, side.bytes(object), format("reading {} of {}", object, side.folder.id.text()));
    return side.read([&](CheckpointReader& reader) { return reader.tensors(side.manifest, object, buffers); });
  };
  const std::vector<TensorView> a = read(before), b = read(after);
  PartResult result{std::string(object.substr(0, object.find('.'))), b.size(), {}};
  for (const TensorDifference& difference : tensor_differences(a, b))
    result.found.push_back({result.part, difference.kind, difference.name, difference.before ? type_text(*difference.before) : "",
                            difference.after ? type_text(*difference.after) : "", difference.norm, difference.relative_norm, difference.largest});
  return result;
}

struct PluginChange {
  std::string plugin;
  json before, after;  // {version, sha256}; null: not there
};

std::vector<PluginChange> plugin_changes(const json& before, const json& after) {
  std::map<std::string, PluginChange> all;
  const auto facts = [](const json& plugin) { return json{{"version", plugin.value("version", "")}, {"sha256", plugin.value("sha256", "")}}; };
  for (const json& plugin : before.value("plugins", json::array())) all[plugin.value("plugin", "")].before = facts(plugin);
  for (const json& plugin : after.value("plugins", json::array())) all[plugin.value("plugin", "")].after = facts(plugin);
  std::vector<PluginChange> changes;
  for (auto& [name, change] : all) {
    change.plugin = name;
    if (change.before != change.after) changes.push_back(std::move(change));
  }
  return changes;
}

json number(double value) { return std::isfinite(value) ? json(value) : json(); }

json as_json(const Found& found) {
  json entry = {{"part", found.part}, {"name", found.name}, {"change", kind_text(found.kind)}};
  if (!found.before.empty()) entry["before"] = found.before;
  if (!found.after.empty()) entry["after"] = found.after;
  if (found.kind == TensorDifference::Kind::kChanged) entry.update({{"norm", number(found.norm)}, {"relative_norm", number(found.relative_norm)}, {"largest", number(found.largest)}});
  return entry;
}

std::string norm_text(double value) { return std::isnan(value) ? "" : std::isinf(value) ? "inf" : format("{:.3g}", value); }

/// A line for each part and the largest changes; all of them are in the JSON.
std::string tensors_text(const std::vector<PartResult>& parts) {
  std::string text;
  for (const PartResult& part : parts) {
    text += format("{}: {} of {} tensors differ\n", part.part, part.found.size(), part.num_tensors);
    std::vector<const Found*> sorted;
    for (const Found& found : part.found) sorted.push_back(&found);
    const auto weight = [](const Found* found) { return found->kind != TensorDifference::Kind::kChanged ? INFINITY : std::isnan(found->relative_norm) ? 0 : found->relative_norm; };
    std::stable_sort(sorted.begin(), sorted.end(), [&](const Found* a, const Found* b) { return weight(a) > weight(b); });
    std::vector<std::vector<std::string>> rows;
    if (!sorted.empty()) rows.push_back({"TENSOR", "CHANGE", "TYPE", "NORM OF B - A", "OF A'S", "LARGEST"});
    for (size_t i = 0; i < std::min(sorted.size(), kRowsShown); ++i) {
      const Found& found = *sorted[i];
      const std::string type = found.kind == TensorDifference::Kind::kRetyped ? found.before + " -> " + found.after : found.before.empty() ? found.after : found.before;
      rows.push_back({found.name, std::string(kind_text(found.kind)), type, norm_text(found.norm), norm_text(found.relative_norm), norm_text(found.largest)});
    }
    text += align_columns(rows, "lllrrr");
    if (sorted.size() > kRowsShown) text += format("  and {} smaller ones; --json shows all\n", sorted.size() - kRowsShown);
  }
  return text;
}

std::string plugin_text(const json& facts) { return facts.is_null() ? "absent" : format("{} sha256 {}", facts.value("version", ""), facts.value("sha256", "").substr(0, 12)); }

}  // namespace

ExitCode ckpt_diff(const Request& request, CheckpointPlace& place_a, CheckpointPlace& place_b) {
  return read_or_refuse([&] {
    Side a(place_a, place_a.folder()), b(place_b, place_b.folder());
    std::vector<PartResult> parts;
    for (const std::string_view object : {kWeightsObject, kOptimizerObject, kEngineObject, kPluginsObject}) parts.push_back(compare_part(request, a, b, object));
    const json nothing = json::object();
    const std::vector<Difference> config = trajectory_differences(a.run_state.value("trajectory", nothing), b.run_state.value("trajectory", nothing));
    const std::vector<PluginChange> plugins = plugin_changes(a.run_state, b.run_state);
    bool is_equal = config.empty() && plugins.empty();
    for (const PartResult& part : parts) is_equal &= part.found.empty();
    if (request.is_json) {
      json answer = {{"a", a.folder.id.text()}, {"b", b.folder.id.text()}, {"is_equal", is_equal}, {"tensors", json::array()}, {"config", json::array()}, {"plugins", json::array()}};
      for (const PartResult& part : parts)
        for (const Found& found : part.found) answer["tensors"].push_back(as_json(found));
      for (const Difference& difference : config) answer["config"].push_back({{"key", difference.key}, {"before", difference.before}, {"after", difference.after}});
      for (const PluginChange& change : plugins) answer["plugins"].push_back({{"plugin", change.plugin}, {"before", change.before}, {"after", change.after}});
      std::cout << answer.dump() << "\n";
      return ExitCode::kDone;
    }
    std::cout << format("A  {}\nB  {}\n", a.folder.id.text(), b.folder.id.text()) << tensors_text(parts) << (config.empty() ? "config: equal\n" : "config\n");
    for (const Difference& difference : config) std::cout << format("  {}: {} in A, {} in B\n", difference.key, difference.before, difference.after);
    std::cout << (plugins.empty() ? "plugins: equal\n" : "plugins\n");
    for (const PluginChange& change : plugins) std::cout << format("  {}: {} in A, {} in B\n", change.plugin, plugin_text(change.before), plugin_text(change.after));
    return ExitCode::kDone;
  });
}

}  // namespace trainhost
