#include "step_facts.h"

#include <algorithm>
#include <numeric>
#include <set>

namespace pt2 {
namespace {

// The slots behind the argument of an operator.
template <class Visit>
void each_slot_of(const Plan& plan, const Step& step, size_t argument, const Visit& visit) {
  Step one = step;
  one.operands = {step.operands.first + static_cast<uint32_t>(argument), 1};
  each_operand(plan, one, visit);
}

// Both letters of "Tensor(a)[]" too.
std::set<c10::Symbol> memory_names(const c10::AliasInfo& alias) {
  std::set<c10::Symbol> names(alias.beforeSets().begin(), alias.beforeSets().end());
  for (const c10::AliasInfo& item : alias.containedTypes()) names.merge(memory_names(item));
  return names;
}

bool shares_memory(const c10::Argument& one, const c10::Argument& other) {
  if (!one.alias_info() || !other.alias_info()) return false;
  const std::set<c10::Symbol> names = memory_names(*one.alias_info()), others = memory_names(*other.alias_info());
  return std::any_of(names.begin(), names.end(), [&](c10::Symbol name) { return others.contains(name); });
}

// The first tensor that the operator's result shares memory with; kNoSlot for new memory.
Slot origin_of_result(const Plan& plan, const Step& step, const c10::Argument& result) {
  const auto& arguments = step.op->schema().arguments();
  Slot found = kNoSlot;
  for (size_t i = 0; i < arguments.size(); ++i)
    if (shares_memory(result, arguments[i]))
      each_slot_of(plan, step, i, [&](Slot slot) { found = found == kNoSlot ? slot : found; });
  return found;
}

}  // namespace

bool draws(const Plan& plan, const Step& step) {
  if (step.kind != StepKind::kOperator || !step.op->hasTag(at::Tag::nondeterministic_seeded)) return false;
  const auto& parameters = step.op->schema().arguments();
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Operand& operand = plan.operands[step.operands.first + i];
    if (operand.take != Take::kConstant) continue;
    const c10::IValue& value = plan.constants[static_cast<size_t>(operand.index)];
    const std::string& name = parameters[i].name();
    if ((name == "p" || name == "dropout_p") && value.isDouble() && value.toDouble() == 0) return false;
    if (name == "train" && value.isBool() && !value.toBool()) return false;
  }
  return true;
}

std::vector<Slot> memory_of(const Plan& plan) {
  std::vector<Slot> memory(static_cast<size_t>(plan.num_slots));
  std::iota(memory.begin(), memory.end(), 0);
  for (const Step& step : plan.steps) {
    if (step.kind != StepKind::kOperator) continue;
    const auto& returns = step.op->schema().returns();
    for (uint32_t i = 0; i < step.results.count && i < returns.size(); ++i) {
      const Slot origin = origin_of_result(plan, step, returns[i]);
      if (origin == kNoSlot) continue;
      Step one = step;
      one.results = {step.results.first + i, 1};
      each_result(plan, one, [&](Slot slot) { memory[static_cast<size_t>(slot)] = memory[static_cast<size_t>(origin)]; });
    }
  }
  return memory;
}

std::vector<Slot> changed_by(const Plan& plan, const Step& step) {
  std::vector<Slot> changed;
  if (step.kind != StepKind::kOperator) return changed;
  const auto& arguments = step.op->schema().arguments();
  for (size_t i = 0; i < arguments.size(); ++i)
    if (arguments[i].alias_info() && arguments[i].alias_info()->isWrite()) each_slot_of(plan, step, i, [&](Slot slot) { changed.push_back(slot); });
  return changed;
}

}  // namespace pt2
