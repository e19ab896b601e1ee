// The leaves of JSON Schema: types, ranges, choices, patterns, lists.
#include "config/schema_value.h"

#include <cmath>
#include <regex>
#include <vector>

#include "base/error.h"
#include "base/nearest.h"
#include "config/interval.h"

namespace trainhost {
namespace {

using nlohmann::json;

std::vector<std::string> types_of(const json& rules) {
  const auto type = rules.find("type");
  if (type == rules.end()) return {};
  return type->is_array() ? type->get<std::vector<std::string>>() : std::vector<std::string>{type->get<std::string>()};
}

bool is_whole(const json& value) {
  const double real = value.get<double>();
  return real == std::floor(real) && std::abs(real) < 9.2e18;
}

// Whether the value has the type; if so, in its normal form.
bool take_type(const std::string& type, json& value) {
  if (type == "boolean") return value.is_boolean();
  if (type == "string") return value.is_string();
  if (type == "array") return value.is_array();
  if (type == "object") return value.is_object();
  if (!value.is_number()) return false;
  if (type == "number") return value = value.get<double>(), true;
  if (!value.is_number_float()) return true;
  return is_whole(value) ? (value = static_cast<int64_t>(value.get<double>()), true) : false;
}

std::string type_hint(const json& rules, const json& value) {
  for (const std::string& type : types_of(rules)) {
    if (type == "string" && (value.is_number() || value.is_boolean())) return "; put it in quotes";
    if (type == "array" && value.is_string() && value.get<std::string>().starts_with("[")) return "; put the strings inside of it in quotes";
    if (type == "array" && !value.is_object()) return "; put it in [ ]";
  }
  return "";
}

std::string check_range(const json& rules, const json& value) {
  const auto bound = [&](const char* key) { return rules.contains(key) ? std::optional(rules[key].get<double>()) : std::nullopt; };
  const double real = value.get<double>();
  const auto refusal = [&](const char* key, std::string_view words) { return format("must be {} {}, got {}", words, rules[key].dump(), value.dump()); };
  if (const auto limit = bound("minimum"); limit && real < *limit) return refusal("minimum", "at least");
  if (const auto limit = bound("maximum"); limit && real > *limit) return refusal("maximum", "at most");
  if (const auto limit = bound("exclusiveMinimum"); limit && real <= *limit) return refusal("exclusiveMinimum", "more than");
  if (const auto limit = bound("exclusiveMaximum"); limit && real >= *limit) return refusal("exclusiveMaximum", "less than");
  return "";
}

std::string check_interval(const std::string& text) {
  try {
    (void)parse_interval(text, "");
    return "";
  } catch (const Error& error) {
    return format("is not valid{}", error.what());  // the message begins with ": ", behind the empty place
  }
}

std::string check_text(const json& rules, const std::string& text) {
  if (rules.contains("minLength") && text.size() < rules["minLength"].get<size_t>())
    return text.empty() ? "must not be empty" : format("is too short: \"{}\"", text);
  if (rules.contains("pattern") && !std::regex_search(text, std::regex(rules["pattern"].get<std::string>(), std::regex::ECMAScript)))
    return format("must match {}, got \"{}\"; {}", rules["pattern"].get<std::string>(), text, rules.value("description", "see its meaning"));
  const std::string kind = rules.value("format", "");
  const bool is_interval = kind == "interval" || (kind == "interval_or_auto" && text != "auto");
  return is_interval ? check_interval(text) : std::string();
}

std::string check_list(const json& rules, json& list) {
  if (rules.contains("minItems") && list.size() < rules["minItems"].get<size_t>())
    return format("must have at least {} entries, got {}", rules["minItems"].dump(), list.size());
  if (rules.contains("maxItems") && list.size() > rules["maxItems"].get<size_t>())
    return format("must have at most {} entries, got {}", rules["maxItems"].dump(), list.size());
  if (!rules.contains("items")) return "";
  for (size_t i = 0; i < list.size(); ++i)
    if (const std::string problem = check_value(rules["items"], list[i]); !problem.empty()) return format("entry {} {}", i + 1, problem);
  return "";
}

std::string check_choice(const json& choices, const json& value) {
  std::vector<std::string> words;
  std::string all;
  for (const json& choice : choices) {
    if (choice == value) return "";
    words.push_back(choice.is_string() ? choice.get<std::string>() : choice.dump());
    all += (all.empty() ? "" : ", ") + words.back();
  }
  const auto near = value.is_string() ? nearest(value.get<std::string>(), words) : std::nullopt;
  return format("must be one of {}, got {}{}", all, value.dump(), near ? format("; did you mean \"{}\"?", *near) : std::string());
}

}  // namespace

std::string type_text(const json& rules) {
  std::string text;
  for (const std::string& type : types_of(rules)) text += (text.empty() ? "" : " or ") + (type == "array" ? "list" : type == "object" ? "table" : type);
  if (rules.value("format", "") == "interval_or_auto") return "interval or auto";
  if (rules.value("format", "") == "interval")
    return "interval" + (text == "string" ? "" : " or " + text.substr(std::min(text.size(), std::string("string or ").size())));
  return text.empty() ? "value" : text;
}

std::string check_value(const json& rules, json& value) {
  const std::vector<std::string> types = types_of(rules);
  bool has_type = types.empty();
  for (const std::string& type : types) has_type = has_type || take_type(type, value);
  if (!has_type)
    return format("must be {} {}, got {}{}", type_text(rules).starts_with('i') ? "an" : "a", type_text(rules), value.dump(), type_hint(rules, value));

  if (rules.contains("x-refusal") && value != rules.value("default", json())) return rules["x-refusal"].get<std::string>();
  if (rules.contains("enum")) {
    if (const std::string problem = check_choice(rules["enum"], value); !problem.empty()) return problem;
  }
  if (value.is_number()) return check_range(rules, value);
  if (value.is_string()) return check_text(rules, value.get<std::string>());
  if (value.is_array()) return check_list(rules, value);
  return "";
}

}  // namespace trainhost
