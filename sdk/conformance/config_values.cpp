// Values that a schema allows, and values that it does not. The keywords are those of the host (host/config/schema.h).
#include "conformance/config_values.h"

#include <algorithm>
#include <cmath>

#include "conformance/answer.h"

namespace trainhost::conformance {
namespace {

using nlohmann::json;

std::string type_of(const json& rules) {
  const json type = rules.value("type", json("string"));
  return type.is_array() ? type.front().get<std::string>() : type.get<std::string>();
}

const json& properties_of(const json& schema) {
  static const json none = json::object();
  const auto found = schema.find("properties");
  return found == schema.end() ? none : *found;
}

bool is_required(const json& schema, const std::string& key) {
  const json names = schema.value("required", json::array());
  return std::find(names.begin(), names.end(), json(key)) != names.end();
}

// Bounds of a number; open ends are where plugins still mean something.
std::pair<double, double> range_of(const json& rules, double step) {
  double low = -1e9, high = 1e9;
  if (rules.contains("minimum")) low = rules["minimum"];
  if (rules.contains("exclusiveMinimum")) low = rules["exclusiveMinimum"].get<double>() + step;
  if (rules.contains("maximum")) high = rules["maximum"];
  if (rules.contains("exclusiveMaximum")) high = rules["exclusiveMaximum"].get<double>() - step;
  if (high < low) high = low;
  return {low, high};
}

json number_in(const json& rules, double from_zero) {
  const bool is_whole = type_of(rules) == "integer";
  const auto [low, high] = range_of(rules, is_whole ? 1 : 1e-6);
  const double value = std::clamp(from_zero, low, high);
  return is_whole ? json(static_cast<std::int64_t>(value)) : json(value);
}

json random_number(const json& rules, std::mt19937_64& random) {
  const auto [low, high] = range_of(rules, 1e-6);
  switch (random() % 4) {
    case 0: return number_in(rules, low);
    case 1: return number_in(rules, high);
    case 2: return number_in(rules, std::exp2(static_cast<double>(random() % 30)));  // most keys count something small
    default: return number_in(rules, std::uniform_real_distribution(low, high)(random));
  }
}

json random_string(const json& rules, std::mt19937_64& random) {
  if (rules.value("format", "") == "interval") {
    static const char* const units[] = {"step", "window", "epoch", "sample", "token", "s", "h", "%"};
    return format("{}{}", 1 + random() % 99, units[random() % std::size(units)]);
  }
  static const char* const odd[] = {"", "a", "..", "/", "%s%n", "\"quoted\\\"", "caf\xc3\xa9 \xf0\x9f\x90\x98", "a\tb\nc", "file:", "nan", "-1", "{}"};
  if (random() % 4) return odd[random() % std::size(odd)];
  return std::string(random() % 5000, static_cast<char>('a' + random() % 26));
}

json random_list(const json& rules, std::mt19937_64& random) {
  json list = json::array();
  const std::uint64_t least = rules.value("minItems", std::uint64_t{0}), most = rules.value("maxItems", least + 5);
  const std::uint64_t size = least + random() % (most - least + 1);
  for (std::uint64_t i = 0; i < size; ++i) list.push_back(random_value(rules.value("items", json::object()), random));
  return list;
}

// Keys of a group of alternatives that somebody has set: the others stay out.
bool is_ruled_out(const json& schema, const json& settings, const std::string& key) {
  for (const json& group : schema.value("x-alternatives", json::array()))
    if (std::find(group.begin(), group.end(), json(key)) != group.end())
      for (const json& other : group)
        if (other != json(key) && settings.contains(other.get<std::string>())) return true;
  return false;
}

// A place that questions would share, such as a bucket, becomes one for each: "{unique}" in a setting is another word each time.
std::string with_unique_word(std::string text, const Subject& subject) {
  constexpr std::string_view kMark = "{unique}";
  for (std::size_t at; (at = text.find(kMark)) != std::string::npos;)
    text.replace(at, kMark.size(), format("{:016x}", std::uint64_t{std::hash<std::string>()(subject.scratch.string())}));
  return text;
}

// What the user gave, and what is required beside it.
json base_settings(const Subject& subject) {
  json settings = subject.settings;
  for (auto& [key, value] : settings.items())
    if (value.is_string()) value = with_unique_word(value.get<std::string>(), subject);
  const Record& record = subject.record();
  const json& properties = properties_of(record.schema);
  // The host tells each backend its place; one on disk can be had without asking.
  const bool is_on_disk = std::find(record.schemes.begin(), record.schemes.end(), "file") != record.schemes.end();
  if (record.kind == "checkpoint_backend" && is_on_disk && properties.contains("uri") && !settings.contains("uri"))
    settings["uri"] = "file:" + (subject.scratch / "objects").string();
  for (const auto& [key, rules] : properties.items())
    if (is_required(record.schema, key) && !settings.contains(key)) settings[key] = plain_value(rules);
  return settings;
}

bool is_taken(const Subject& subject, const json& settings) {
  try {
    (void)subject.host.apply_schema(subject.record().schema, settings);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

// A value of a type that the key does not have.
json value_of_other_type(const json& rules) {
  const json types = rules.contains("type") ? rules["type"].is_array() ? rules["type"] : json::array({rules["type"]}) : json::array();
  const auto has = [&](const char* type) { return types.empty() || std::find(types.begin(), types.end(), json(type)) != types.end(); };
  if (!has("object")) return json{{"a", 1}};
  return has("boolean") ? json() : json(true);
}

}  // namespace

std::string shown(const json& schema, json settings) {
  for (const auto& [key, rules] : properties_of(schema).items())
    if (rules.value("x-secret", false) && settings.contains(key)) settings[key] = "***";
  return settings.dump();
}

json plain_value(const json& rules) {
  if (rules.contains("default")) return rules["default"];
  if (rules.contains("enum")) return rules["enum"].front();
  const std::string type = type_of(rules);
  if (type == "boolean") return false;
  if (type == "integer" || type == "number") return number_in(rules, 1);
  if (type == "object") return json::object();
  if (type == "array") {
    json list = json::array();
    for (std::uint64_t i = 0; i < rules.value("minItems", std::uint64_t{0}); ++i) list.push_back(plain_value(rules.value("items", json::object())));
    return list;
  }
  return rules.value("format", "") == "interval" ? "10step" : "a";
}

json random_value(const json& rules, std::mt19937_64& random) {
  if (rules.contains("enum")) return rules["enum"][random() % rules["enum"].size()];
  const json types = rules.value("type", json("string"));
  const std::string type = types.is_array() ? types[random() % types.size()].get<std::string>() : types.get<std::string>();
  if (type == "boolean") return random() % 2 == 0;
  if (type == "integer" || type == "number") return random_number(rules, random);
  if (type == "array") return random_list(rules, random);
  if (type == "string") return random_string(rules, random);
  json table = json::object();
  for (const auto& [key, child] : properties_of(rules).items())
    if (random() % 2) table[key] = random_value(child, random);
  return table;
}

json random_settings(const Subject& subject, std::mt19937_64& random) {
  const json& schema = subject.record().schema;
  json settings = base_settings(subject);
  for (const auto& [key, rules] : properties_of(schema).items()) {
    if (random() % 2 || is_ruled_out(schema, settings, key)) continue;
    if (subject.record().kind == "checkpoint_backend" && key == "uri") continue;  // the host makes it; a random one is a random place of this machine
    json changed = settings;
    changed[key] = random_value(rules, random);
    if (is_taken(subject, changed)) settings = std::move(changed);
  }
  return settings;
}

std::vector<std::pair<std::string, json>> settings_outside(const Subject& subject) {
  const json& schema = subject.record().schema;
  const json base = base_settings(subject);
  std::vector<std::pair<std::string, json>> outside;
  const auto add = [&](const std::string& what, const std::string& key, json value) {
    json changed = base;
    for (const auto& [other, unused] : base.items())
      if (is_ruled_out(schema, json{{key, 0}}, other)) changed.erase(other);
    changed[key] = std::move(value);
    outside.emplace_back(what, std::move(changed));
  };
  add("a key that it does not have", "no_key_of_this_plugin", 1);
  for (const auto& [key, rules] : properties_of(schema).items()) {
    if (rules.contains("type")) add(key + " of another type", key, value_of_other_type(rules));
    if (rules.contains("enum")) add(key + " that is no choice", key, "no choice of this plugin");
    if (rules.contains("minimum")) add(key + " below its minimum", key, rules["minimum"].get<double>() - 1);
    if (rules.contains("maximum")) add(key + " above its maximum", key, rules["maximum"].get<double>() + 1);
    if (!is_required(schema, key)) continue;
    json changed = base;
    changed.erase(key);
    outside.emplace_back(key + " left out", std::move(changed));
  }
  return outside;
}

json usual_config(const Subject& subject) {
  const json settings = base_settings(subject);
  try {
    return subject.host.apply_schema(subject.record().schema, settings);
  } catch (const std::exception& error) {
    fail("the host refuses {}: {}; give settings that its schema allows, with --config FILE.toml or key=value", shown(subject.record().schema, settings),
         error.what());
  }
}

}  // namespace trainhost::conformance
