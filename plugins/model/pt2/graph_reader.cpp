#include "graph_reader.h"

#include <algorithm>

#include "errors.h"
#include "program.h"

namespace pt2 {
namespace {

constexpr int kDeepest = 64;  // graphs inside of graphs
constexpr std::string_view kOperatorPrefix = "torch.ops.", kHigherOrderPrefix = "torch.ops.higher_order.";

// Checks on shapes and devices, which the exporter's machine has settled; the bundle's own checks stand before the program.
bool is_assertion_about_metadata(std::string_view target) {
  return target.find("_assert_tensor_metadata") != std::string_view::npos || target.find("sym_constrain_range") != std::string_view::npos;
}

trainhost::PluginError unavailable(const Origin& origin, const std::string& words) {
  return lacks(trainhost::format("{}{}{}: {}", origin.target, origin.source.empty() ? "" : ", at ", origin.source, words));
}

struct OperatorName {
  std::string name, overload;  // aten::add, Tensor
};

// torch.ops.NAMESPACE.NAME.OVERLOAD
OperatorName operator_name(const std::string& target) {
  const std::string rest = target.substr(kOperatorPrefix.size());
  const auto first = rest.find('.'), last = rest.rfind('.');
  if (first == std::string::npos || last == first) throw refuse(trainhost::format("\"{}\" is no name of an operator; export the model again", target));
  const std::string overload = rest.substr(last + 1);
  return {rest.substr(0, first) + "::" + rest.substr(first + 1, last - first - 1), overload == "default" ? "" : overload};
}

c10::OperatorHandle find_operator(const Origin& origin) {
  const OperatorName wanted = operator_name(origin.target);
  if (const auto found = c10::Dispatcher::singleton().findSchema({wanted.name, wanted.overload})) return *found;
  throw unavailable(origin, trainhost::format("this process has no operator {}{}{}; add an op pack that registers it to `plugins`, or write that line with "
                                              "PyTorch's own operators and export again",
                                              wanted.name, wanted.overload.empty() ? "" : ".", wanted.overload));
}

}  // namespace

void GraphReader::read(const Json& graph) {
  Names names;
  for (const Json& input : graph.at("inputs")) {
    const auto [tag, json] = tagged(input);
    const bool has_name = tag == "as_tensor" && json.contains("name");
    if (!has_name) throw refuse(trainhost::format("the program has an input of the form {}; inputs are tensors", tag));
    new_slot(json.at("name").get<std::string>(), names);
  }
  plan_.num_inputs = static_cast<size_t>(plan_.num_slots);
  read_nodes(graph, names);
  for (const Json& output : graph.at("outputs")) plan_.outputs.push_back(arguments_.read(output, names, nullptr));
}

Slot GraphReader::new_slot(const std::string& name, Names& names) {
  names.set(name, plan_.num_slots);
  return plan_.num_slots++;
}

void GraphReader::add(Step step) { plan_.steps.push_back(std::move(step)); }

void GraphReader::read_nodes(const Json& graph, Names& names) {
  for (const Json& node : graph.at("nodes")) read_node(node, names);
}

void GraphReader::read_node(const Json& node, Names& names) {
  const auto target = node.at("target").get<std::string>();
  if (is_assertion_about_metadata(target)) return;
  const Json& metadata = node.value("metadata", Json::object());
  plan_.origins.push_back({target, source_of(metadata), module_of(metadata), block_of(metadata)});
  const Origin origin = plan_.origins.back();
  try {
    if (target == "torch.ops.higher_order.wrap_with_set_grad_enabled") return read_region(node, names, StepKind::kEnterGrad);
    if (target == "torch.ops.higher_order.wrap_with_autocast") return read_region(node, names, StepKind::kEnterAutocast);
    if (target.starts_with(kHigherOrderPrefix))
      throw lacks("control flow and other operators of higher order cannot be trained; write it with torch.where, or as steps that are always taken, and export again");
    if (target.starts_with(kOperatorPrefix)) return read_operator(node, names, find_operator(origin));
    if (const auto scalar = find_scalar_op(target)) return read_scalar(node, names, *scalar);
    throw lacks("this version does not know the function; update trainhost, or compute that number in another way and export again");
  } catch (const trainhost::PluginError& error) {
    if (error.message.find(target) != std::string::npos) throw;
    const std::string words = error.message.starts_with("pt2: ") ? error.message.substr(5) : error.message;
    throw trainhost::PluginError(error.status, unavailable(origin, words).message);
  }
}

void GraphReader::read_operator(const Json& node, Names& names, c10::OperatorHandle op) {
  Step step{.kind = StepKind::kOperator, .op = op, .origin = static_cast<uint32_t>(plan_.origins.size() - 1)};
  const auto& parameters = op.schema().arguments();
  std::vector<const Json*> given(parameters.size(), nullptr);
  for (const Json& input : node.at("inputs")) {
    const auto name = input.at("name").get<std::string>();
    const auto found = std::find_if(parameters.begin(), parameters.end(), [&](const c10::Argument& parameter) { return parameter.name() == name; });
    if (found == parameters.end()) throw refuse(trainhost::format("has no argument \"{}\" in this LibTorch; the bundle was made for another version of the operator", name));
    given[static_cast<size_t>(found - parameters.begin())] = &input.at("arg");
  }
  step.operands.first = static_cast<uint32_t>(plan_.operands.size());
  step.operands.count = static_cast<uint32_t>(parameters.size());
  for (size_t i = 0; i < parameters.size(); ++i)
    plan_.operands.push_back(given[i] ? arguments_.read(*given[i], names, &parameters[i]) : arguments_.default_of(parameters[i]));
  add_results(node.at("outputs"), names, step);
  add(std::move(step));
}

void GraphReader::read_scalar(const Json& node, Names& names, const FoundScalarOp& op) {
  Step step{.kind = StepKind::kScalar, .op = {}, .scalar = op.run, .origin = static_cast<uint32_t>(plan_.origins.size() - 1)};
  const Json& inputs = node.at("inputs");
  if (inputs.size() != op.num_operands) throw refuse(trainhost::format("takes {} numbers, the program gives {}", op.num_operands, inputs.size()));
  step.operands = {static_cast<uint32_t>(plan_.operands.size()), static_cast<uint32_t>(op.num_operands)};
  for (const Json& input : inputs) plan_.operands.push_back(arguments_.read(input.at("arg"), names, nullptr));
  add_results(node.at("outputs"), names, step);
  add(std::move(step));
}

void GraphReader::add_results(const Json& outputs, Names& names, Step& step) {
  step.results.first = static_cast<uint32_t>(plan_.results.size());
  for (const Json& output : outputs) {
    const auto [tag, json] = tagged(output);
    if (tag == "as_tensor")
      plan_.results.push_back({new_slot(json.at("name").get<std::string>(), names), Result::kSingle});
    else if (tag == "as_sym_int" || tag == "as_sym_float" || tag == "as_sym_bool")
      plan_.results.push_back({new_slot(json.at("as_name").get<std::string>(), names), Result::kSingle});
    else if (tag == "as_none")
      plan_.results.push_back({});
    else if (tag == "as_tensors") {
      plan_.results.push_back({static_cast<int32_t>(plan_.list_slots.size()), static_cast<int32_t>(json.size())});
      for (const Json& one : json) plan_.list_slots.push_back(new_slot(one.at("name").get<std::string>(), names));
    } else
      throw lacks(trainhost::format("gives a value of the form {}", tag));
  }
  step.results.count = static_cast<uint32_t>(plan_.results.size()) - step.results.first;
}

// ---- regions: the graph inside becomes steps of this plan, its inputs and outputs other names of slots

void GraphReader::read_region(const Json& node, Names& names, StepKind kind) {
  const Json& inputs = node.at("inputs");
  size_t graph_index = 0;
  while (graph_index < inputs.size() && !inputs[graph_index].at("arg").contains("as_graph")) ++graph_index;
  if (graph_index == inputs.size()) throw refuse("holds no graph; export the model again");
  if (++depth_ > kDeepest) throw refuse(trainhost::format("graphs inside of graphs, more than {} deep", kDeepest));
  inline_graph(inputs, graph_index, node.at("outputs"), names, region_of(inputs, kind), kind);
  --depth_;
}

// wrap_with_set_grad_enabled(enabled, graph, ...), wrap_with_autocast(device_type, dtype, enabled, cache_enabled, graph, ...)
Region GraphReader::region_of(const Json& inputs, StepKind kind) const {
  const auto argument = [&](size_t index) { return tagged(inputs.at(index).at("arg")); };
  Region region;
  region.device = target_.device.type();
  if (kind == StepKind::kEnterGrad) {
    region.is_enabled = argument(0).value.get<bool>();
    return region;
  }
  if (argument(1).tag == "as_scalar_type") region.dtype = scalar_type_of(argument(1).value);
  region.is_enabled = argument(2).value.get<bool>();
  region.keeps_casts = argument(3).tag == "as_none" || argument(3).value.get<bool>();
  return region;
}

void GraphReader::inline_graph(const Json& inputs, size_t graph_index, const Json& outputs, Names& names, const Region& region, StepKind kind) {
  const Json& graph = inputs[graph_index].at("arg").at("as_graph").at("graph");
  const auto name_of = [](const Json& argument) {
    const auto [tag, json] = tagged(argument);
    return json.is_object() && json.contains("name") ? json.at("name").get<std::string>() : json.at("as_name").get<std::string>();
  };
  const Json& inner_inputs = graph.at("inputs");
  if (inner_inputs.size() != inputs.size() - graph_index - 1) throw refuse("gives its graph another number of values than it takes; export the model again");
  Names inner;
  for (size_t i = 0; i < inner_inputs.size(); ++i) inner.set(name_of(inner_inputs[i]), names.at(name_of(inputs[graph_index + 1 + i].at("arg"))));
  const auto origin = static_cast<uint32_t>(plan_.origins.size() - 1);
  plan_.regions.push_back(region);
  add({.kind = kind, .op = {}, .region = static_cast<uint32_t>(plan_.regions.size() - 1), .origin = origin});
  read_nodes(graph, inner);
  add({.kind = StepKind::kLeave, .op = {}, .origin = origin});

  std::vector<std::string> outer;
  for (const Json& output : outputs) {
    if (!output.contains("as_tensors")) outer.push_back(name_of(output));
    else
      for (const Json& one : output.at("as_tensors")) outer.push_back(one.at("name").get<std::string>());
  }
  const Json& inner_outputs = graph.at("outputs");
  if (outer.size() != inner_outputs.size()) throw refuse("takes another number of values from its graph than that gives; export the model again");
  for (size_t i = 0; i < outer.size(); ++i) names.set(outer[i], inner.at(name_of(inner_outputs[i])));
}

}  // namespace pt2
