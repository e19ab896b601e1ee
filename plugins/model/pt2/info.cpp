#include "info.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "cost.h"
#include "errors.h"
#include "weights.h"

namespace pt2 {
namespace {

double count_of(const TensorFacts& tensor) {
  double count = 1;
  for (const int64_t axis : tensor.shape) count *= static_cast<double>(axis);
  return count;
}

// The module of a parameter; numbered layers fall together: "blocks.3.fc.weight" -> "blocks.*.fc".
std::string module_name(const std::string& parameter) {
  const std::string path = parameter.find('.') == std::string::npos ? "" : parameter.substr(0, parameter.rfind('.'));
  std::string out;
  for (size_t start = 0; start < path.size();) {
    const size_t end = std::min(path.find('.', start), path.size());
    const std::string part = path.substr(start, end - start);
    const bool is_number = std::all_of(part.begin(), part.end(), [](unsigned char c) { return std::isdigit(c); });
    out += (out.empty() ? "" : ".") + (is_number ? "*" : part);
    start = end + 1;
  }
  return out.empty() ? "(model)" : out;
}

Table fields_table(const Manifest& manifest) {
  Table table{"fields", {"field", "role", "dtype", "shape", "classes", "pad value"}, {}};
  for (const FieldFacts& field : manifest.fields)
    table.rows.push_back({field.name, field.role, dtype_name(field.dtype), shape_text(manifest, field), field.num_classes > 0 ? Json(field.num_classes) : Json(),
                          field.pad_value ? Json(*field.pad_value) : Json()});
  return table;
}

Table dimensions_table(const Manifest& manifest) {
  Table table{"dimensions", {"dimension", "from", "to", "multiple of"}, {}};
  for (const Dimension& dimension : manifest.dimensions)
    table.rows.push_back({dimension.name, dimension.min, dimension.max == std::numeric_limits<int64_t>::max() ? Json() : Json(dimension.max), dimension.multiple_of});
  return table;
}

Table parameters_table(const Manifest& manifest) {
  struct Sum {
    double tensors = 0, parameters = 0, trained = 0;
  };
  std::vector<std::string> order;
  std::map<std::string, Sum> sums;
  for (const TensorFacts& parameter : manifest.parameters) {
    const std::string module = module_name(parameter.name);
    if (!sums.contains(module)) order.push_back(module);
    Sum& sum = sums[module];
    ++sum.tensors;
    sum.parameters += count_of(parameter);
    sum.trained += parameter.is_frozen ? 0 : count_of(parameter);
  }
  Table table{"parameters", {"module", "tensors", "parameters", "trained"}, {}};
  for (const std::string& module : order) table.rows.push_back({module, static_cast<int64_t>(sums[module].tensors), static_cast<int64_t>(sums[module].parameters), static_cast<int64_t>(sums[module].trained)});
  return table;
}

Table operators_table(const Cost& train, const Cost& eval) {
  std::vector<std::pair<std::string, uint64_t>> calls(train.operators.begin(), train.operators.end());
  std::stable_sort(calls.begin(), calls.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  Table table{"operators", {"operator", "calls in training", "calls in evaluation"}, {}};
  for (const auto& [name, count] : calls) table.rows.push_back({name, count, eval.operators.contains(name) ? eval.operators.at(name) : 0});
  for (const auto& [name, count] : eval.operators)
    if (!train.operators.contains(name)) table.rows.push_back({name, 0, count});
  return table;
}

// The shapes of the fields in the example that the model was exported with.
std::vector<std::vector<int64_t>> example_shapes(const Json& document) {
  std::vector<std::vector<int64_t>> shapes;
  const Json& module = document.at("graph_module");
  for (const Json& spec : module.at("signature").at("input_specs")) {
    if (!spec.contains("user_input")) continue;
    shapes.emplace_back();
    const auto name = spec.at("user_input").at("arg").at("as_tensor").at("name").get<std::string>();
    for (const Json& size : module.at("graph").at("tensor_values").at(name).at("sizes")) shapes.back().push_back(example_size(size));
  }
  return shapes;
}

// What `synthetic.fields` takes, for samples like those of the example.
Table synthetic_table(const Manifest& manifest, const std::vector<std::vector<int64_t>>& shapes) {
  Table table{"as data of the source synthetic", {"fields"}, {}};
  for (size_t i = 0; i < std::min(shapes.size(), manifest.fields.size()); ++i) {
    const FieldFacts& field = manifest.fields[i];
    std::string text = field.name + " " + dtype_name(field.dtype) + " [";
    for (size_t axis = 1; axis < shapes[i].size(); ++axis) text += trainhost::format("{}{}", axis > 1 ? ", " : "", shapes[i][axis]);
    text += "] role=" + field.role;
    if (field.num_classes > 0) text += trainhost::format(" classes={}", field.num_classes);
    if (field.pad_value) text += trainhost::format(" pad={}", *field.pad_value);
    table.rows.push_back(Json::array({text}));
  }
  return table;
}

Report described(Bundle& bundle) {
  const Manifest& manifest = bundle.manifest();
  const Json train = bundle.json("train/program.json"), eval = bundle.json("eval/program.json");
  const Cost train_cost = cost_of(train), eval_cost = cost_of(eval);
  const auto shapes = example_shapes(train);
  const double samples = shapes.empty() || shapes[0].empty() ? 1 : static_cast<double>(std::max<int64_t>(shapes[0][0], 1));
  double parameters = 0, trained = 0, trained_bytes = 0;
  for (const TensorFacts& parameter : manifest.parameters) {
    parameters += count_of(parameter);
    if (parameter.is_frozen) continue;
    trained += count_of(parameter);
    trained_bytes += count_of(parameter) * static_cast<double>(c10::elementSize(parameter.dtype));
  }
  Report report;
  auto& facts = report.facts;
  const auto whole = [](double value) { return static_cast<int64_t>(value); };
  facts["bundle"] = bundle.path();
  facts["sha256"] = bundle.digest();
  facts["model"] = manifest.model;
  facts["exported by PyTorch"] = manifest.torch_version;
  facts["parameters"] = whole(parameters);
  facts["trained parameters"] = whole(trained);
  facts["buffers"] = manifest.buffers.size();
  facts["metrics"] = manifest.metrics;
  facts["custom operators"] = manifest.custom_operators;
  facts["samples in the example"] = whole(samples);
  facts["forward FLOPs a sample"] = whole(train_cost.flops / samples);
  facts["training FLOPs a sample"] = whole(3 * train_cost.flops / samples);
  facts["weight bytes"] = weight_bytes(manifest);
  facts["gradient bytes"] = whole(trained_bytes);
  facts["optimizer bytes, two slots"] = whole(2 * trained_bytes);
  facts["activation bytes a sample, at most"] = whole(train_cost.activation_bytes / samples);
  report.tables = {fields_table(manifest), dimensions_table(manifest), synthetic_table(manifest, shapes), parameters_table(manifest), operators_table(train_cost, eval_cost)};
  return report;
}

}  // namespace

Report describe(Bundle& bundle) {
  try {
    return described(bundle);
  } catch (const Json::exception& error) {
    throw refuse(trainhost::format("{}: a program is none of torch.export ({}); export the model again", bundle.path(), error.what()));
  }
}

}  // namespace pt2
