// TOML -> fields, by a schema of our own.
#include "commands/check_fields.h"

#include "base/error.h"
#include "config/schema.h"
#include "plugin/dtype.h"

namespace trainhost {
namespace {

using nlohmann::json;

constexpr trainhost_dtype kFormats[] = {kBool, kUInt8, kInt8, kInt16, kInt32, kInt64, kFloat16, kBFloat16, kFloat32, kFloat64};
constexpr std::pair<const char*, int32_t> kRoles[] = {{"input", TRAINHOST_FIELD_INPUT}, {"target", TRAINHOST_FIELD_TARGET}, {"weight", TRAINHOST_FIELD_WEIGHT}};

json schema_of_field() {
  json roles = json::array(), formats = json::array();
  for (const auto& [name, unused] : kRoles) roles.push_back(name);
  for (const trainhost_dtype format : kFormats) formats.push_back(dtype_text(format));
  const json axes = {{"type", "array"}, {"maxItems", 8}, {"items", {{"type", "integer"}, {"minimum", -1}}}};
  json shape = axes, max_shape = axes;
  shape["description"] = "axes of one sample, such as [3, 32, 32], or [] for a number; -1: varies by sample";
  max_shape["description"] = "the longest that a varying axis gets";
  return {{"type", "object"},
          {"additionalProperties", false},
          {"required", {"name", "dtype", "shape"}},
          {"properties",
           {{"name", {{"type", "string"}, {"minLength", 1}, {"description", "as the model looks for it"}}},
            {"role", {{"type", "string"}, {"enum", roles}, {"default", "input"}}},
            {"dtype", {{"type", "string"}, {"enum", formats}, {"description", "number format, such as \"float32\""}}},
            {"shape", shape},
            {"max_shape", max_shape},
            {"num_classes", {{"type", "integer"}, {"minimum", 0}, {"default", 0}}},
            {"pad_value", {{"type", "number"}, {"default", 0}}}}}};
}

trainhost_dtype format_named(const std::string& name) {
  for (const trainhost_dtype format : kFormats)
    if (dtype_text(format) == name) return format;
  return kFloat32;  // the schema lets no other name through
}

int32_t role_named(const std::string& name) {
  for (const auto& [known, role] : kRoles)
    if (known == name) return role;
  return TRAINHOST_FIELD_INPUT;  // as above
}

Field field_of(const json& values, const std::string& place) {
  Field field{values.at("name"),
              role_named(values.at("role")),
              format_named(values.at("dtype")),
              values.at("shape"),
              values.value("max_shape", std::vector<int64_t>()),
              values.at("num_classes"),
              values.at("pad_value")};
  if (field.max_shape.empty()) field.max_shape = field.shape;
  if (field.max_shape.size() != field.shape.size())
    throw Error(ExitCode::kConfig, format("{}: max_shape has {} axes, shape has {}; write as many", place, field.max_shape.size(), field.shape.size()));
  for (size_t axis = 0; axis < field.shape.size(); ++axis)
    if (field.max_shape[axis] < 0 || (field.shape[axis] >= 0 && field.max_shape[axis] != field.shape[axis]))
      throw Error(ExitCode::kConfig,
                  format("{}: axis {} is {} in shape and {} in max_shape; a varying axis, -1, wants its longest in max_shape, others are the same in both",
                         place, axis, field.shape[axis], field.max_shape[axis]));
  return field;
}

}  // namespace

conformance::FieldSet load_fields(const std::string& file) {
  ConfigTree tree;
  tree.add_file(file);
  for (const auto& [key, unused] : tree.values().items())
    if (key != "field") throw Error(ExitCode::kConfig, format("{}: unknown key {}; this file is a list of [[field]] tables", tree.origin({key}).text, key));
  const json* list = tree.find({"field"});
  if (!list || !list->is_array() || list->empty())
    throw Error(ExitCode::kConfig, format("{}: holds no fields; write a table [[field]] with name, dtype and shape for each", file));
  conformance::FieldSet set{file, {}};
  Problems problems;
  const json schema = schema_of_field();
  for (const json& element : *list) {
    const std::string place = format("{}: field {}", file, set.fields.size() + 1);
    if (!element.is_object()) throw Error(ExitCode::kConfig, format("{}: is no table; write [[field]]", place));
    ConfigTree table(Origin{.text = place});
    for (const auto& [key, value] : element.items()) table.set({key}, value, Origin{.text = place});
    const ConfigTree checked = check_table(schema, table, "", problems);
    problems.raise();
    set.fields.push_back(field_of(checked.values(), place));
  }
  return set;
}

}  // namespace trainhost
