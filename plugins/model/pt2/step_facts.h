// What a step does besides giving values.
#pragma once

#include "plan.h"

namespace pt2 {

// Whether it draws random numbers. Dropout with probability 0, or in evaluation, draws nothing.
bool draws(const Plan& plan, const Step& step);

// For each slot of the plan the one whose memory it shares, as far as operators declare it: itself, or what it is a view of.
std::vector<Slot> memory_of(const Plan& plan);

// The slots that the step changes in place.
std::vector<Slot> changed_by(const Plan& plan, const Step& step);

// Every slot that the step reads.
template <class Visit>
void each_operand(const Plan& plan, const Step& step, const Visit& visit) {
  for (uint32_t i = 0; i < step.operands.count; ++i) {
    const Operand& operand = plan.operands[step.operands.first + i];
    if (operand.take == Take::kCopy || operand.take == Take::kMove) visit(operand.index);
    if (operand.take != Take::kList) continue;
    for (const ListOperand::Item& item : plan.lists[static_cast<size_t>(operand.index)].items)
      if (item.slot != kNoSlot) visit(item.slot);
  }
}

// Every slot that the step fills.
template <class Visit>
void each_result(const Plan& plan, const Step& step, const Visit& visit) {
  for (uint32_t i = 0; i < step.results.count; ++i) {
    const Result& result = plan.results[step.results.first + i];
    if (result.count == Result::kSingle && result.first != kNoSlot) visit(result.first);
    for (int32_t k = 0; k < result.count; ++k)
      if (const Slot slot = plan.list_slots[static_cast<size_t>(result.first + k)]; slot != kNoSlot) visit(slot);
  }
}

}  // namespace pt2
