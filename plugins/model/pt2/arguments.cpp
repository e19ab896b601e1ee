#include "arguments.h"

#include <ATen/ScalarOps.h>

#include "errors.h"

namespace pt2 {
namespace {

using at::Tensor;
using c10::IValue;
using c10::TypeKind;

c10::TypePtr without_optional(const c10::TypePtr& type) {
  const auto optional = type->cast<c10::OptionalType>();
  return optional ? optional->getElementType() : type;
}

// The kind of a list's items; AnyType where it is no list.
c10::TypePtr item_of(const c10::TypePtr& type) {
  const auto list = without_optional(type)->cast<c10::ListType>();
  return list ? list->getElementType() : nullptr;
}

Convert conversion_for(const c10::Argument* wanted) {
  if (!wanted) return Convert::kNothing;
  const TypeKind kind = without_optional(wanted->type())->kind();
  return kind == TypeKind::TensorType ? Convert::kTensor : kind == TypeKind::FloatType ? Convert::kReal : Convert::kNothing;
}

template <class T>
c10::List<T> list_of(const Json& items) {
  c10::List<T> out;
  for (const Json& item : items) {
    if constexpr (std::is_same_v<T, double>)
      out.push_back(real_of(item));
    else
      out.push_back(item.get<T>());
  }
  return out;
}

IValue number_as_tensor(const IValue& number) {
  Tensor tensor = c10::scalar_to_tensor(number.toScalar());
  tensor.unsafeGetTensorImpl()->set_wrapped_number(true);
  return tensor;
}

IValue empty_list(TypeKind kind) {
  switch (kind) {
    case TypeKind::TensorType: return c10::List<Tensor>();
    case TypeKind::OptionalType: return c10::List<std::optional<Tensor>>();
    case TypeKind::BoolType: return c10::List<bool>();
    case TypeKind::FloatType: return c10::List<double>();
    default: return c10::List<int64_t>();
  }
}

IValue fitted_list(IValue value, TypeKind item) {
  if (value.isList() && value.toListRef().empty()) return empty_list(item);
  if (item == TypeKind::IntType && value.isInt()) return c10::List<int64_t>({value.toInt()});
  if (item == TypeKind::FloatType && (value.isInt() || value.isDouble())) return c10::List<double>({value.isInt() ? static_cast<double>(value.toInt()) : value.toDouble()});
  if (item == TypeKind::BoolType && value.isBool()) return c10::List<bool>({value.toBool()});
  if (item == TypeKind::FloatType && value.isIntList()) {
    c10::List<double> reals;
    for (const int64_t number : value.toIntVector()) reals.push_back(static_cast<double>(number));
    return reals;
  }
  return value;
}

}  // namespace

IValue fitted(IValue value, const c10::TypePtr& wanted) {
  if (value.isNone()) return value;
  const c10::TypePtr type = without_optional(wanted);
  if (const c10::TypePtr item = item_of(type)) return fitted_list(std::move(value), item->kind());
  switch (type->kind()) {
    case TypeKind::TensorType: return value.isScalar() ? number_as_tensor(value) : value;
    case TypeKind::FloatType: return value.isInt() ? IValue(static_cast<double>(value.toInt())) : value.isBool() ? IValue(value.toBool() ? 1.0 : 0.0) : value;
    case TypeKind::IntType: return value.isBool() ? IValue(int64_t{value.toBool()}) : value;
    case TypeKind::BoolType: return value.isInt() ? IValue(value.toInt() != 0) : value;
    default: return value;
  }
}

Slot Names::at(const std::string& name) const {
  const auto found = slots_.find(name);
  if (found == slots_.end()) throw refuse(trainhost::format("the program uses \"{}\" before anything computes it; export it again", name));
  return found->second;
}

Operand Arguments::constant(IValue value) {
  plan_.constants.push_back(std::move(value));
  return {Take::kConstant, Convert::kNothing, static_cast<int32_t>(plan_.constants.size() - 1)};
}

Operand Arguments::value(const std::string& name, const Names& names, const c10::Argument* wanted) {
  return {Take::kCopy, conversion_for(wanted), names.at(name)};
}

Operand Arguments::list(ListOperand operand) {
  plan_.lists.push_back(std::move(operand));
  return {Take::kList, Convert::kNothing, static_cast<int32_t>(plan_.lists.size() - 1)};
}

Operand Arguments::read(const Json& argument, const Names& names, const c10::Argument* wanted) {
  const auto [tag, json] = tagged(argument);
  if (tag == "as_tensor") return value(json.at("name").get<std::string>(), names, wanted);
  if (tag == "as_optional_tensor") return json.contains("as_tensor") ? value(json.at("as_tensor").at("name").get<std::string>(), names, wanted) : constant({});
  if (tag == "as_sym_int" || tag == "as_sym_float" || tag == "as_sym_bool") return sym_number(json, names, wanted);
  if (tag == "as_tensors") return tensors(json, names, wanted);
  if (tag == "as_optional_tensors") return optional_tensors(json, names);
  if (tag == "as_sym_ints") return numbers(json, names, wanted && item_of(wanted->type()) && item_of(wanted->type())->kind() == TypeKind::FloatType ? ListOperand::Kind::kReals : ListOperand::Kind::kInts);
  if (tag == "as_sym_floats") return numbers(json, names, ListOperand::Kind::kReals);
  if (tag == "as_sym_bools") return numbers(json, names, ListOperand::Kind::kBools);
  IValue found = literal(tag, json, wanted);
  return constant(wanted ? fitted(std::move(found), wanted->type()) : std::move(found));
}

Operand Arguments::default_of(const c10::Argument& parameter) {
  if (parameter.default_value()) return constant(*parameter.default_value());
  if (parameter.type()->kind() == TypeKind::OptionalType) return constant({});
  throw refuse(trainhost::format("the program leaves out the argument \"{}\", which has no default; it was made for another version of the operator", parameter.name()));
}

Operand Arguments::sym_number(const Json& argument, const Names& names, const c10::Argument* wanted) {
  const auto [tag, json] = tagged(argument);
  if (tag == "as_name") return value(json.get<std::string>(), names, wanted);
  IValue found = tag == "as_int" ? IValue(json.get<int64_t>()) : tag == "as_float" ? IValue(real_of(json)) : IValue(json.get<bool>());
  return constant(wanted ? fitted(std::move(found), wanted->type()) : std::move(found));
}

Operand Arguments::tensors(const Json& items, const Names& names, const c10::Argument* wanted) {
  const c10::TypePtr item = wanted ? item_of(wanted->type()) : nullptr;
  const bool are_optional = item && item->kind() == TypeKind::OptionalType;
  if (items.empty()) return constant(empty_list(item ? item->kind() : TypeKind::TensorType));
  ListOperand out{are_optional ? ListOperand::Kind::kOptionalTensors : ListOperand::Kind::kTensors, {}};
  for (const Json& one : items) out.items.push_back({names.at(one.at("name").get<std::string>()), {}});
  return list(std::move(out));
}

Operand Arguments::optional_tensors(const Json& items, const Names& names) {
  ListOperand out{ListOperand::Kind::kOptionalTensors, {}};
  for (const Json& one : items) {
    const auto [tag, json] = tagged(one);
    out.items.push_back({tag == "as_tensor" ? names.at(json.at("name").get<std::string>()) : kNoSlot, {}});
  }
  return list(std::move(out));
}

Operand Arguments::numbers(const Json& items, const Names& names, ListOperand::Kind kind) {
  ListOperand out{kind, {}};
  for (const Json& one : items) {
    const auto [tag, json] = tagged(one);
    if (tag == "as_name")
      out.items.push_back({names.at(json.get<std::string>()), {}});
    else
      out.items.push_back({kNoSlot, tag == "as_int" ? IValue(json.get<int64_t>()) : tag == "as_float" ? IValue(real_of(json)) : IValue(json.get<bool>())});
  }
  return list(std::move(out));
}

IValue Arguments::literal(const std::string& tag, const Json& json, const c10::Argument* wanted) const {
  if (tag == "as_none") return {};
  if (tag == "as_int") return json.get<int64_t>();
  if (tag == "as_float") return real_of(json);
  if (tag == "as_bool") {
    const bool is_about_cudnn = wanted && (wanted->name() == "cudnn_enabled" || wanted->name() == "cudnn_enable");
    return is_about_cudnn ? target_.has_cudnn : json.get<bool>();
  }
  if (tag == "as_string") return json.get<std::string>();
  if (tag == "as_ints") return list_of<int64_t>(json);
  if (tag == "as_floats") return list_of<double>(json);
  if (tag == "as_bools") return list_of<bool>(json);
  if (tag == "as_strings") return list_of<std::string>(json);
  if (tag == "as_scalar_type") return static_cast<int64_t>(scalar_type_of(json));
  if (tag == "as_memory_format") return static_cast<int64_t>(memory_format_of(json));
  if (tag == "as_layout") return static_cast<int64_t>(layout_of(json));
  if (tag == "as_device") return target_.device;  // where it was exported is no matter
  if (tag == "as_complex") return c10::complex<double>(real_of(json.at("real")), real_of(json.at("imag")));
  if (tag == "as_custom_obj") throw lacks(trainhost::format("takes an object of class {}", json.at("class_fqn").get<std::string>()));
  throw lacks(trainhost::format("takes an argument of the form {}", tag));
}

}  // namespace pt2
