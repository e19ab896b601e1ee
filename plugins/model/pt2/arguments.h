// Arguments of a node: from the serialised form, guided by the type that the operator's schema wants, to operands of a plan.
#pragma once

#include <ATen/core/function_schema.h>

#include <string>
#include <unordered_map>

#include "plan.h"
#include "serialized_types.h"

namespace pt2 {

// What a program is made ready for.
struct Target {
  at::Device device;
  bool has_cudnn = true;  // the exporter's machine had none, and its programs say so
};

// Names of values within one graph.
class Names {
 public:
  // Throws PluginError when no node before this one gives such a value.
  Slot at(const std::string& name) const;
  void set(const std::string& name, Slot slot) { slots_[name] = slot; }

 private:
  std::unordered_map<std::string, Slot> slots_;
};

class Arguments {
 public:
  Arguments(Plan& plan, const Target& target) : plan_(plan), target_(target) {}

  // `wanted`: the operator's parameter; null where there is no schema. Throws PluginError.
  Operand read(const Json& argument, const Names& names, const c10::Argument* wanted);
  // The default of a parameter that the node leaves out.
  Operand default_of(const c10::Argument& parameter);
  Operand constant(c10::IValue value);

 private:
  Operand value(const std::string& name, const Names& names, const c10::Argument* wanted);
  Operand sym_number(const Json& argument, const Names& names, const c10::Argument* wanted);
  Operand tensors(const Json& items, const Names& names, const c10::Argument* wanted);
  Operand optional_tensors(const Json& items, const Names& names);
  Operand numbers(const Json& items, const Names& names, ListOperand::Kind kind);
  Operand list(ListOperand operand);
  c10::IValue literal(const std::string& tag, const Json& value, const c10::Argument* wanted) const;

  Plan& plan_;
  Target target_;
};

// A literal as the parameter's type wants it: 1 as 1.0, as a list of one, as a tensor.
c10::IValue fitted(c10::IValue value, const c10::TypePtr& wanted);

}  // namespace pt2
