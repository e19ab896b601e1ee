// Whether a plugin's schema is one that check_table() understands in full.
#include <regex>
#include <set>
#include <string>

#include "base/error.h"
#include "base/nearest.h"
#include "config/schema.h"
#include "config/schema_value.h"

namespace trainhost {
namespace {

using nlohmann::json;

const std::vector<std::string> kKeywords = {
    "$schema",   "$id",      "title",    "description", "type",     "properties",     "additionalProperties", "required",
    "items",     "minItems", "maxItems", "enum",        "minimum",  "maximum",        "exclusiveMinimum",     "exclusiveMaximum",
    "minLength", "pattern",  "default",  "format",      "examples", "x-alternatives", "x-trajectory",         "x-refusal",
    "x-secret"};
const std::vector<std::string> kTypes = {"object", "array", "string", "integer", "number", "boolean"};

[[noreturn]] void fail(const std::string& place, const std::string& what) {
  throw Error(ExitCode::kPlugin, format("{}: {}; correct the plugin's schema", place, what));
}

void check_types(const json& schema, const std::string& place) {
  const json types = schema["type"].is_array() ? schema["type"] : json::array({schema["type"]});
  for (const json& type : types)
    if (!type.is_string() || std::find(kTypes.begin(), kTypes.end(), type.get<std::string>()) == kTypes.end())
      fail(place, format("\"type\" must be one of object, array, string, integer, number, boolean, got {}", type.dump()));
}

void check_pattern(const json& schema, const std::string& place) {
  try {
    (void)std::regex(schema["pattern"].get<std::string>(), std::regex::ECMAScript);
  } catch (const std::exception& error) {
    fail(place, format("\"pattern\" is no regular expression: {}", error.what()));
  }
}

void check_default(const json& schema, const std::string& place) {
  json value = schema["default"];
  if (const std::string problem = check_value(schema, value); !problem.empty()) fail(place, "its own default " + problem);
}

void check_names(const json& schema, const json& names, const char* keyword, const std::string& place) {
  for (const json& name : names)
    if (!name.is_string() || !schema.value("properties", json::object()).contains(name.get<std::string>()))
      fail(place, format("\"{}\" names {}, which is no property", keyword, name.dump()));
}

void check_one(const json& schema, const std::string& place) {
  if (!schema.is_object()) fail(place, format("a schema must be an object, got {}", schema.dump()));
  for (const auto& [keyword, unused] : schema.items())
    if (std::find(kKeywords.begin(), kKeywords.end(), keyword) == kKeywords.end())
      fail(place, format("the keyword \"{}\" is not supported{}", keyword, did_you_mean(keyword, kKeywords)));
  if (schema.contains("type")) check_types(schema, place);
  if (schema.contains("x-secret") && !schema["x-secret"].is_boolean()) fail(place, format("\"x-secret\" must be true or false, got {}", schema["x-secret"].dump()));
  if (schema.contains("pattern")) check_pattern(schema, place);
  if (schema.contains("default")) check_default(schema, place);
  check_names(schema, schema.value("required", json::array()), "required", place);
  for (const json& group : schema.value("x-alternatives", json::array())) check_names(schema, group, "x-alternatives", place);
  if (schema.contains("items")) check_one(schema["items"], place + ".items");
  if (const json others = schema.value("additionalProperties", json(false)); !others.is_boolean()) check_one(others, place + ".*");
  if (schema.contains("properties"))
    for (const auto& [name, child] : schema["properties"].items()) check_one(child, place + "." + name);
}

}  // namespace

void check_schema(const json& schema, const std::string& place) {
  try {
    check_one(schema, place);
  } catch (const json::exception& error) {
    fail(place, format("a keyword has a value of the wrong type: {}", error.what()));
  }
}

}  // namespace trainhost
