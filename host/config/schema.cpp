// One walk over table and schema together; leaves of JSON Schema are in schema_value.cpp.
#include "config/schema.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/nearest.h"
#include "config/schema_value.h"

namespace trainhost {
namespace {

using nlohmann::json;

std::vector<std::string> key_names(const json& schema) {
  std::vector<std::string> names;
  if (const auto found = schema.find("properties"); found != schema.end())
    for (const auto& [name, unused] : found->items()) names.push_back(name);
  return names;
}

// The schema of a key, nullptr = no such key. A schema without properties and additionalProperties takes anything.
const json* schema_of(const json& schema, const std::string& key) {
  static const json kAnything = json::object();
  if (const auto properties = schema.find("properties"); properties != schema.end())
    if (const auto found = properties->find(key); found != properties->end()) return &*found;
  const auto others = schema.find("additionalProperties");
  if (others == schema.end()) return schema.contains("properties") ? nullptr : &kAnything;
  if (others->is_boolean()) return others->get<bool>() ? &kAnything : nullptr;
  return &*others;
}

bool is_table(const json& schema) { return schema.value("type", json()) == "object"; }

bool is_secret(const json& rules) { return rules.value("x-secret", false); }

// A password of digits, typed without quotes, was taken for a number.
json as_typed(const json& rules, const json& value, const Origin& origin) {
  json typed = origin.typed;
  return origin.typed.empty() || value.is_string() || !check_value(rules, typed).empty() ? value : typed;
}

Origin hidden(Origin origin) {
  origin.is_secret = true;
  origin.typed.clear();
  if (origin.layer == Layer::kOverride) origin.text = origin.text.substr(0, origin.text.find('=')) + "=(secret)";
  return origin;
}

class Checker {
 public:
  Checker(const ConfigTree& table, const std::string& name, Problems& problems) : table_(table), name_(name), problems_(problems) {}

  void check(const json& schema, const KeyPath& path) {
    const std::set<std::string> losers = losing_alternatives(schema, path);
    const json& values = *table_.find(path);
    for (const auto& [key, value] : values.items())
      if (!losers.contains(key)) check_key(schema, path, key, value);
    for (const std::string& key : key_names(schema))
      if (!values.contains(key) && !losers.contains(key)) fill_default(schema["properties"][key], extended(path, key));
    for (const json& key : schema.value("required", json::array()))
      if (!values.contains(key.get<std::string>())) complain_missing(schema, extended(path, key.get<std::string>()));
  }

  ConfigTree result;

 private:
  static KeyPath extended(KeyPath path, const std::string& key) {
    path.push_back(key);
    return path;
  }

  std::string name_of(const KeyPath& path) const {
    const std::string text = key_text(path);
    return name_.empty() ? text : text.empty() ? name_ : name_ + "." + text;
  }

  void complain(const KeyPath& path, const std::string& what) { problems_.add(format("{}: {}", table_.origin(path).text, what)); }

  void complain_missing(const json& schema, const KeyPath& at) {
    const json* rules = schema_of(schema, at.back());
    complain(at, format("{} is missing; wanted: {}", name_of(at), rules ? rules->value("description", at.back()) : at.back()));
  }

  void check_key(const json& schema, const KeyPath& path, const std::string& key, const json& value) {
    const KeyPath at = extended(path, key);
    const json* rules = schema_of(schema, key);
    if (!rules) {
      const std::vector<std::string> names = key_names(schema);
      return complain(at, format("unknown key {}{}", name_of(at), names.empty() ? "; this table takes no keys" : did_you_mean(key, names)));
    }
    if (!is_table(*rules)) return check_leaf(*rules, at, value);
    if (!value.is_object()) return complain(at, format("{} must be a table, got {}; write its keys below [{}]", name_of(at), value.dump(), name_of(at)));
    result.set(at, json::object(), table_.origin(at));
    check(*rules, at);
  }

  void check_leaf(const json& rules, const KeyPath& at, const json& value) {
    if (is_secret(rules)) return check_secret(rules, at, value);
    json normal = value;
    const std::string problem = check_value(rules, normal);
    if (problem.empty())
      result.set(at, normal, table_.origin(at));
    else
      complain(at, format("{} {}", name_of(at), problem));
  }

  void check_secret(const json& rules, const KeyPath& at, const json& value) {
    const Origin origin = table_.origin(at), shown = hidden(origin);
    json normal = as_typed(rules, value, origin);
    if (check_value(rules, normal).empty())
      result.set(at, normal, shown);
    else
      problems_.add(format("{}: {} must be of the type {} and as its plugin asks; it is secret, so what was got is not shown", shown.text, name_of(at), type_text(rules)));
  }

  // Of each group of alternatives in which one is set: all but the one at the highest level. Two at that level are a mistake.
  std::set<std::string> losing_alternatives(const json& schema, const KeyPath& path) {
    std::set<std::string> losers;
    for (const json& group : schema.value("x-alternatives", json::array())) {
      std::vector<KeyPath> set;
      for (const json& name : group)
        if (const KeyPath at = extended(path, name.get<std::string>()); table_.find(at)) set.push_back(at);
      if (set.empty()) continue;
      const auto level = [&](const KeyPath& at) { return table_.origin(at).level; };
      std::stable_sort(set.begin(), set.end(), [&](const KeyPath& a, const KeyPath& b) { return level(a) > level(b); });
      if (set.size() > 1 && level(set[0]) == level(set[1]))
        complain(set[1], format("{} and {} ({}) exclude each other; leave one out", name_of(set[1]), name_of(set[0]), table_.origin(set[0]).text));
      for (const json& name : group)
        if (name != set[0].back()) losers.insert(name.get<std::string>());
    }
    return losers;
  }

  // A table that nobody wrote has the defaults of its keys; "required" does not ask for them then.
  void fill_default(const json& rules, const KeyPath& at) {
    if (rules.contains("default")) {
      json value = rules["default"];
      (void)check_value(rules, value);  // the normal form; that it is allowed was seen to by check_schema()
      return result.set(at, value, Origin{});
    }
    if (!is_table(rules)) return;
    for (const std::string& key : key_names(rules)) fill_default(rules["properties"][key], extended(at, key));
  }

  const ConfigTree& table_;
  const std::string& name_;
  Problems& problems_;
};

}  // namespace

void Problems::add(const std::string& message) {
  if (std::find(messages_.begin(), messages_.end(), message) == messages_.end()) messages_.push_back(message);
}

void Problems::raise() const {
  if (messages_.empty()) return;
  constexpr size_t kShown = 20;
  std::string text;
  for (size_t i = 0; i < std::min(kShown, messages_.size()); ++i) text += (i ? "\n" : "") + messages_[i];
  if (messages_.size() > kShown) text += format("\n... and {} more", messages_.size() - kShown);
  throw Error(ExitCode::kConfig, text);
}

ConfigTree check_table(const json& schema, const ConfigTree& table, const std::string& name, Problems& problems) {
  Checker checker(table, name, problems);
  checker.check(schema, {});
  return std::move(checker.result);
}

Origin origin_of_key(const json& schema, const KeyPath& key, Origin origin) {
  const json* rules = &schema;
  for (const std::string& part : key)
    if (rules) rules = schema_of(*rules, part);
  return rules && is_secret(*rules) ? hidden(std::move(origin)) : origin;
}

json trajectory_part(const json& schema, const json& values) {
  json part = json::object();
  for (const auto& [key, value] : values.items()) {
    const json* rules = schema_of(schema, key);
    if (!rules || is_secret(*rules) || !rules->value("x-trajectory", true)) continue;
    const json kept = value.is_object() ? trajectory_part(*rules, value) : value;
    if (!kept.is_object() || !kept.empty()) part[key] = kept;
  }
  return part;
}

}  // namespace trainhost
