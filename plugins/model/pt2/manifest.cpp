#include "manifest.h"

#include <algorithm>
#include <array>

#include "errors.h"

namespace pt2 {
namespace {

constexpr int kFormatMajor = 1;

struct NamedType {
  const char* name;
  at::ScalarType type;
};
constexpr std::array<NamedType, 10> kTypes = {{{"bool", at::kBool}, {"uint8", at::kByte}, {"int8", at::kChar}, {"int16", at::kShort}, {"int32", at::kInt},
                                              {"int64", at::kLong}, {"float16", at::kHalf}, {"bfloat16", at::kBFloat16}, {"float32", at::kFloat}, {"float64", at::kDouble}}};

constexpr int64_t kLargestOffset = int64_t{1} << 40;  // of a size that follows another: sums with it stay far from the end of 64 bits

bool is_given(const Json& object, const char* key) { return object.contains(key) && !object.at(key).is_null(); }

// Of a real the library would make one by a conversion that nobody has defined where it does not fit.
int64_t whole(const Json& json) {
  if (!json.is_number_integer() || (json.is_number_unsigned() && json.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())))
    throw refuse(trainhost::format("has {} where a whole number is wanted; export the model again", json.dump()));
  return json.get<int64_t>();
}

int64_t whole_or(const Json& object, const char* key, int64_t absent) { return is_given(object, key) ? whole(object.at(key)) : absent; }

std::vector<int64_t> wholes(const Json& json) {
  std::vector<int64_t> numbers;
  for (const Json& one : json) numbers.push_back(whole(one));
  return numbers;
}

void check_version(const Json& json) {
  if (json.value("format", "") != "trainhost.bundle") throw refuse("manifest.json is of another kind of file; wanted a bundle that `python -m trainhost_export` wrote");
  const std::vector<int64_t> version = wholes(json.at("format_version"));
  if (version.size() != 2 || version[0] != kFormatMajor)
    throw refuse(trainhost::format("has format version {}, this version reads {}.x; {}", json.at("format_version").dump(), kFormatMajor,
                                   !version.empty() && version[0] > kFormatMajor ? "update trainhost" : "export the model again"));
}

Dimension dimension_of(const std::string& name, const Json& json) {
  Dimension dimension{name};
  dimension.min = whole_or(json, "min", 1);
  dimension.max = whole_or(json, "max", dimension.max);
  dimension.multiple_of = whole_or(json, "multiple_of", 1);
  if (dimension.min < 1 || dimension.max < dimension.min || dimension.multiple_of < 1)
    throw refuse(trainhost::format("dimension \"{}\" goes from {} to {} in steps of {}; export the model again", name, dimension.min, dimension.max, dimension.multiple_of));
  return dimension;
}

int index_of(const std::vector<Dimension>& dimensions, const std::string& name) {
  const auto found = std::find_if(dimensions.begin(), dimensions.end(), [&](const Dimension& one) { return one.name == name; });
  if (found == dimensions.end()) throw refuse(trainhost::format("speaks of a dimension \"{}\" that it does not describe; export the model again", name));
  return static_cast<int>(found - dimensions.begin());
}

AxisSize axis_of(const Json& json, const std::vector<Dimension>& dimensions) {
  if (json.is_number()) return {AxisSize::kFixed, 0, whole(json)};
  if (json.is_string()) return {index_of(dimensions, json.get<std::string>()), 1, 0};
  const AxisSize axis{index_of(dimensions, json.at("dimension").get<std::string>()), whole_or(json, "times", 1), whole_or(json, "plus", 0)};
  if (axis.times < 1 || axis.plus < -kLargestOffset || axis.plus > kLargestOffset)
    throw refuse(trainhost::format("has a size of {} times a dimension plus {}; export the model again", axis.times, axis.plus));
  return axis;
}

FieldFacts field_of(const Json& json, const std::vector<Dimension>& dimensions) {
  FieldFacts field{json.at("name").get<std::string>(), json.value("role", "input"), dtype_named(json.at("dtype").get<std::string>()), {}, 0, {}};
  for (const Json& axis : json.at("shape")) field.shape.push_back(axis_of(axis, dimensions));
  if (is_given(json, "num_classes")) field.num_classes = whole(json.at("num_classes"));
  if (is_given(json, "pad_value")) field.pad_value = json.at("pad_value").get<double>();
  return field;
}

InitialRule rule_of(const Json& json) {
  const auto rule = json.at("rule").get<std::string>();
  if (rule == "constant") return {InitialRule::Kind::kConstant, json.at("value").get<double>(), 0};
  if (rule == "normal") return {InitialRule::Kind::kNormal, json.at("mean").get<double>(), json.at("std").get<double>()};
  if (rule == "uniform") return {InitialRule::Kind::kUniform, json.at("low").get<double>(), json.at("high").get<double>()};
  throw refuse(trainhost::format("has a rule \"{}\" of initial values that this version does not know; update trainhost", rule));
}

TensorFacts tensor_of(const Json& json) {
  TensorFacts tensor;
  tensor.name = json.at("name").get<std::string>();
  tensor.dtype = dtype_named(json.at("dtype").get<std::string>());
  tensor.shape = wholes(json.at("shape"));
  if (is_given(json, "strides")) tensor.strides = wholes(json.at("strides"));
  if (std::any_of(tensor.shape.begin(), tensor.shape.end(), [](int64_t axis) { return axis < 0; }) || (!tensor.strides.empty() && tensor.strides.size() != tensor.shape.size()))
    throw refuse(trainhost::format("\"{}\" has a shape or strides that no tensor has; export the model again", tensor.name));
  tensor.is_frozen = json.value("frozen", false);
  tensor.tags = json.value("tags", std::vector<std::string>());
  if (is_given(json, "initial")) tensor.initial = rule_of(json.at("initial"));
  tensor.is_persistent = json.value("persistent", true);
  tensor.is_mutated = json.value("mutated", false);
  return tensor;
}

void read_tensors(const Json& json, std::vector<TensorFacts>& tensors, std::map<std::string, std::string>& tied) {
  for (const Json& one : json) {
    if (is_given(one, "tied_to"))
      tied[one.at("name").get<std::string>()] = one.at("tied_to").get<std::string>();
    else
      tensors.push_back(tensor_of(one));
  }
}

Manifest manifest_of(const Json& json) {
  check_version(json);
  Manifest manifest;
  manifest.torch_version = json.value("torch_version", "");
  manifest.model = json.value("model", "");
  const Json& dimensions = json.at("dimensions");
  for (auto one = dimensions.begin(); one != dimensions.end(); ++one) manifest.dimensions.push_back(dimension_of(one.key(), one.value()));
  if (is_given(json, "sample_dimension")) manifest.sample_dimension = index_of(manifest.dimensions, json.at("sample_dimension").get<std::string>());
  for (const Json& one : json.at("fields")) manifest.fields.push_back(field_of(one, manifest.dimensions));
  for (const Json& one : json.at("metrics")) manifest.metrics.push_back(one.at("name").get<std::string>());
  read_tensors(json.at("parameters"), manifest.parameters, manifest.tied);
  read_tensors(json.at("buffers"), manifest.buffers, manifest.tied);
  manifest.custom_operators = json.value("custom_operators", std::vector<std::string>());
  const Json& members = json.at("members");
  for (auto one = members.begin(); one != members.end(); ++one)
    manifest.members[one.key()] = {static_cast<uint64_t>(whole(one.value().at("bytes"))), one.value().at("sha256").get<std::string>()};
  return manifest;
}

}  // namespace

Json parse_json(std::string_view text, const std::string& place) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) throw refuse(trainhost::format("{}: is no JSON; the file is damaged: export or copy it again", place));
  return json;
}

Manifest read_manifest(std::string_view text, const std::string& place) {
  try {
    return manifest_of(parse_json(text, place));
  } catch (const Json::exception& error) {
    throw refuse(trainhost::format("{}: is not what docs/bundle.md says ({}); export the model again", place, error.what()));
  } catch (const trainhost::PluginError& error) {
    throw refuse(trainhost::format("{}: {}", place, error.message.substr(error.message.starts_with("pt2: ") ? 5 : 0)));
  }
}

at::ScalarType dtype_named(const std::string& name) {
  for (const NamedType& one : kTypes)
    if (name == one.name) return one.type;
  throw refuse(trainhost::format("has a number format \"{}\" that this version does not know; update trainhost", name));
}

std::string dtype_name(at::ScalarType type) {
  for (const NamedType& one : kTypes)
    if (one.type == type) return one.name;
  return c10::toString(type);
}

std::string shape_text(const Manifest& manifest, const FieldFacts& field) {
  std::string text;
  for (const AxisSize& axis : field.shape) {
    text += text.empty() ? "[" : ", ";
    if (axis.dimension == AxisSize::kFixed) {
      text += trainhost::format("{}", axis.plus);
      continue;
    }
    if (axis.times != 1) text += trainhost::format("{} * ", axis.times);
    text += manifest.dimensions[static_cast<size_t>(axis.dimension)].name;
    if (axis.plus != 0) text += trainhost::format(" + {}", axis.plus);
  }
  return text.empty() ? "[]" : text + "]";
}

}  // namespace pt2
