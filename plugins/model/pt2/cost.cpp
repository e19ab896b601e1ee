#include "cost.h"

#include <ATen/core/dispatch/Dispatcher.h>

#include <numeric>
#include <vector>

namespace pt2 {
namespace {

using Shape = std::vector<int64_t>;

double count(const Shape& shape) { return std::accumulate(shape.begin(), shape.end(), 1.0, [](double product, int64_t axis) { return product * static_cast<double>(axis); }); }

class Graph {
 public:
  Graph(const Json& graph, Cost& cost) : graph_(graph), values_(graph.at("tensor_values")), cost_(cost) {}

  void run() {
    for (const Json& node : graph_.at("nodes")) {
      const auto target = node.at("target").get<std::string>();
      for (const Json& input : node.at("inputs"))
        if (input.at("arg").contains("as_graph")) Graph(input.at("arg").at("as_graph").at("graph"), cost_).run();
      if (!target.starts_with("torch.ops.") || target.starts_with("torch.ops.higher_order")) continue;
      const std::string name = target.substr(10);
      ++cost_.operators[name];
      cost_.flops += flops_of(name.substr(0, name.rfind('.')), node);
      if (!gives_views(name)) cost_.activation_bytes += bytes_of(node.at("outputs"));
    }
  }

 private:
  Shape shape_of(const std::string& value) const {
    Shape shape;
    if (values_.contains(value))
      for (const Json& size : values_.at(value).at("sizes")) shape.push_back(example_size(size));
    return shape;
  }

  Shape operand(const Json& node, const char* name) const {
    for (const Json& input : node.at("inputs"))
      if (input.value("name", "") == name && input.at("arg").contains("as_tensor")) return shape_of(input.at("arg").at("as_tensor").at("name").get<std::string>());
    return {};
  }

  double flops_of(const std::string& name, const Json& node) const {
    const Json& outputs = node.at("outputs");
    const Shape out = !outputs.empty() && outputs[0].contains("as_tensor") ? shape_of(outputs[0].at("as_tensor").at("name").get<std::string>()) : Shape();
    const auto product = [&](const Shape& left) { return left.empty() ? 0.0 : 2 * count(out) * static_cast<double>(left.back()); };
    if (name == "aten.linear") return product(operand(node, "weight"));
    if (name == "aten.addmm") return product(operand(node, "mat1"));
    if (name == "aten.baddbmm") return product(operand(node, "batch1"));
    if (name == "aten.mm" || name == "aten.bmm" || name == "aten.matmul") return product(operand(node, "self"));
    const Shape weight = operand(node, "weight");
    const bool is_convolution = name.starts_with("aten.conv") && !weight.empty() && weight[0] > 0;
    if (is_convolution) return 2 * count(name.find("transpose") == std::string::npos ? out : operand(node, "input")) * count(weight) / static_cast<double>(weight[0]);
    if (name != "aten.scaled_dot_product_attention") return 0;
    const Shape query = operand(node, "query"), key = operand(node, "key"), value = operand(node, "value");
    if (query.size() < 2 || key.size() < 2 || value.empty()) return 0;
    return 2 * count(query) * static_cast<double>(key[key.size() - 2]) * (1 + static_cast<double>(value.back()) / static_cast<double>(std::max<int64_t>(query.back(), 1)));
  }

  // An operator whose results share the memory of what it takes makes nothing.
  static bool gives_views(const std::string& name) {
    const auto first = name.find('.'), last = name.rfind('.');
    if (last <= first) return true;
    const std::string overload = name.substr(last + 1);
    const auto op = c10::Dispatcher::singleton().findSchema({name.substr(0, first) + "::" + name.substr(first + 1, last - first - 1), overload == "default" ? "" : overload});
    return !op || (!op->schema().returns().empty() && op->schema().returns()[0].alias_info() != nullptr);
  }

  double bytes_of(const Json& outputs) const {
    double bytes = 0;
    for (const Json& output : outputs) {
      if (output.contains("as_tensor")) bytes += bytes_of_value(output.at("as_tensor").at("name").get<std::string>());
      if (output.contains("as_tensors"))
        for (const Json& one : output.at("as_tensors")) bytes += bytes_of_value(one.at("name").get<std::string>());
    }
    return bytes;
  }

  double bytes_of_value(const std::string& value) const {
    return values_.contains(value) ? count(shape_of(value)) * static_cast<double>(c10::elementSize(scalar_type_of(values_.at(value).at("dtype")))) : 0;
  }

  const Json &graph_, &values_;
  Cost& cost_;
};

}  // namespace

int64_t example_size(const Json& size) {
  if (size.contains("as_int")) return size.at("as_int").get<int64_t>();
  const Json& expression = size.at("as_expr");
  if (!expression.contains("hint") || expression.at("hint").is_null() || !expression.at("hint").contains("as_int")) return 0;
  return expression.at("hint").at("as_int").get<int64_t>();
}

Cost cost_of(const Json& document) {
  Cost cost;
  Graph(document.at("graph_module").at("graph"), cost).run();
  return cost;
}

}  // namespace pt2
