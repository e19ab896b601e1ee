// From the types of a schema to values.
#include "conformance/torch/op_arguments.h"

#include <ATen/Context.h>
#include <ATen/core/function_schema.h>
#include <ATen/core/jit_type.h>
#include <ATen/ops/empty_strided.h>

#include <array>
#include <mutex>
#include <utility>

namespace trainhost::conformance {
namespace {

const std::array kRecipes = {
    Recipe{"matrices of one shape", {4, 4}, {4}, {4, 4}},
    Recipe{"stacks of matrices", {2, 4, 4}, {4}, {2, 4, 4}},
    Recipe{"a stack and a matrix", {2, 4, 4}, {4}, {4, 4}},
    Recipe{"heads of stacks", {2, 2, 4, 4}, {4}, {2, 2, 4, 4}},
    Recipe{"rows and vectors", {3, 4}, {4}, {4}},
    Recipe{"images and vectors", {2, 4, 3, 3}, {4}, {4}},
    Recipe{"images and filters", {2, 3, 5, 5}, {3}, {3, 3, 3, 3}},
    Recipe{"a matrix and indices", {4, 4}, {4}, {4}, true},
    Recipe{"a matrix of probabilities", {4, 4}, {4}, {4, 4}, false, true},
};

// The words that ATen's operators take under these names. No schema says them, so an operator with another word of its own cannot be asked.
struct Words {
  std::string_view name;
  std::vector<std::string_view> words;
};
const std::array kWords = {
    Words{"approximate", {"none", "tanh"}},
    Words{"equation", {"ij,jk->ik", "bij,bjk->bik", "...i,...i->..."}},
    Words{"rounding_mode", {"floor", "trunc"}},
    Words{"padding", {"same", "valid"}},
    Words{"mode", {"constant", "reflect", "replicate", "circular", "reduced", "complete"}},
    Words{"pad_mode", {"constant", "reflect"}},
    Words{"ord", {"fro", "nuc"}},
    Words{"p", {"fro", "nuc"}},
    Words{"UPLO", {"L", "U"}},
    Words{"side", {"left", "right"}},
    Words{"indexing", {"ij", "xy"}},
    Words{"reduce", {"sum", "prod", "amax", "mean", "add", "multiply"}},
    Words{"interpolation", {"linear", "lower", "higher", "midpoint", "nearest"}},
};

// One pass over the arguments of a schema.
class Draw {
 public:
  Draw(const Recipe& recipe, int draw, at::Device device, std::mt19937_64& random) : recipe_(recipe), draw_(draw), device_(device), random_(random) {}

  // None where it cannot be made up.
  std::optional<c10::IValue> value(const c10::Argument& argument) {
    if (const auto from_default = varied_default(argument)) return from_default;
    const c10::Type& type = *argument.type();
    if (type.kind() == c10::TypeKind::OptionalType) {
      const c10::Type& inner = *type.containedType(0);
      if (!is_given_when_optional(argument.name(), inner)) return c10::IValue();
      return made_up(argument.name(), inner);
    }
    return made_up(argument.name(), type);
  }

 private:
  bool turns() const { return draw_ % 3 == 2; }
  bool leaves_out() const { return draw_ % 3 == 1; }

  bool is_given_when_optional(const std::string& name, const c10::Type& type) const {
    switch (type.kind()) {
      case c10::TypeKind::TensorType:
      case c10::TypeKind::GeneratorType: return !leaves_out();
      case c10::TypeKind::StringType: return !leaves_out() && word(name).has_value();
      default: return false;
    }
  }

  // What has a default keeps it, but for flags and words in some draws.
  std::optional<c10::IValue> varied_default(const c10::Argument& argument) const {
    const auto& value = argument.default_value();
    if (!value || value->isNone()) return std::nullopt;
    if (turns() && value->isBool()) return c10::IValue(!value->toBool());
    if (draw_ > 0 && value->isString()) return word(argument.name()).value_or(*value);
    return *value;
  }

  std::optional<c10::IValue> word(const std::string& name) const {
    for (const Words& known : kWords)
      if (known.name == name) return c10::IValue(std::string(known.words[static_cast<std::size_t>(draw_) % known.words.size()]));
    return std::nullopt;
  }

  std::optional<c10::IValue> made_up(const std::string& name, const c10::Type& type) {
    switch (type.kind()) {
      case c10::TypeKind::TensorType: return c10::IValue(tensor(name));
      case c10::TypeKind::NumberType:
      case c10::TypeKind::FloatType: return c10::IValue(0.5);
      case c10::TypeKind::IntType: return c10::IValue(std::int64_t{1});
      case c10::TypeKind::BoolType: return c10::IValue(turns());
      case c10::TypeKind::StringType: return word(name);
      case c10::TypeKind::GeneratorType: return c10::IValue(at::globalContext().defaultGenerator(device_).clone());
      case c10::TypeKind::ListType: return list(name, *type.containedType(0));
      default: return std::nullopt;
    }
  }

  std::optional<c10::IValue> list(const std::string& name, const c10::Type& element) {
    if (element.kind() == c10::TypeKind::IntType) return c10::IValue(std::vector<std::int64_t>{4});
    if (element.kind() == c10::TypeKind::TensorType) return c10::IValue(std::vector<at::Tensor>{tensor(name), tensor(name)});
    return std::nullopt;
  }

  at::Tensor tensor(const std::string& name) {
    const bool is_first = std::exchange(is_first_, false);
    const bool is_vector = name == "bias" || name.starts_with("running_");
    const bool is_index = name == "index" || name == "indices" || (!is_first && !is_vector && recipe_.are_others_integers);
    const at::Tensor numbers = normal_numbers(is_first ? recipe_.first : is_vector ? recipe_.vectors : recipe_.others, random_);
    if (is_index) return numbers.abs().mul(2).clamp(0, 3).to(device_, at::kLong);
    if (recipe_.are_probabilities) return numbers.sigmoid().to(device_, at::kFloat);
    return (name.starts_with("running_") ? numbers.abs().add(0.5) : numbers).to(device_, at::kFloat);  // a variance is positive
  }

  const Recipe& recipe_;
  int draw_;
  at::Device device_;
  std::mt19937_64& random_;
  bool is_first_ = true;
};

at::Tensor copy_of(const at::Tensor& tensor, bool with_gradients) {
  if (!tensor.defined()) return tensor;
  const at::Tensor copy = at::empty_strided(tensor.sizes(), tensor.strides(), tensor.options().requires_grad(false));  // gaps stay, which clone closes
  copy.copy_(tensor.detach());
  return with_gradients && copy.is_floating_point() ? copy.requires_grad_(true) : copy;
}

at::Generator seeded(const at::Generator& generator, std::uint64_t seed) {
  at::Generator copy = generator.clone();
  const std::lock_guard lock(copy.mutex());
  copy.set_current_seed(seed);
  return copy;
}

}  // namespace

std::span<const Recipe> recipes() { return kRecipes; }

std::optional<torch::jit::Stack> draw_arguments(const c10::FunctionSchema& schema, const Recipe& recipe, int draw, at::Device device, std::mt19937_64& random,
                                                std::string& unknown) {
  Draw values(recipe, draw, device, random);
  torch::jit::Stack stack;
  for (const c10::Argument& argument : schema.arguments()) {
    auto value = values.value(argument);
    if (!value) {
      unknown = format("\"{}\" of type {}", argument.name(), argument.type()->str());
      return std::nullopt;
    }
    stack.push_back(std::move(*value));
  }
  return stack;
}

torch::jit::Stack fresh_copy(const torch::jit::Stack& arguments, bool with_gradients, std::uint64_t seed) {
  torch::jit::Stack copy;
  for (const c10::IValue& value : arguments) {
    if (value.isGenerator()) {
      copy.emplace_back(seeded(value.toGenerator(), seed));
    } else if (value.isTensor()) {
      copy.emplace_back(copy_of(value.toTensor(), with_gradients));
    } else if (value.isTensorList()) {
      std::vector<at::Tensor> list;
      for (const at::Tensor& tensor : value.toTensorVector()) list.push_back(copy_of(tensor, with_gradients));
      copy.emplace_back(std::move(list));
    } else {
      copy.push_back(value);
    }
  }
  return copy;
}

std::vector<at::Tensor> tensors_in(const torch::jit::Stack& values) {
  std::vector<at::Tensor> all;
  for (const c10::IValue& value : values) {
    if (value.isTensor()) all.push_back(value.toTensor());
    if (value.isTensorList())
      for (const at::Tensor& tensor : value.toTensorVector()) all.push_back(tensor);
  }
  return all;
}

}  // namespace trainhost::conformance
