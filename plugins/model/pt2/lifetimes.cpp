// Last uses. A value goes as soon as nothing needs it, which is what keeps the memory of a replay as low as Python's.
#include <vector>

#include "graph_reader.h"
#include "step_facts.h"

namespace pt2 {
namespace {

class Lifetimes {
 public:
  explicit Lifetimes(Plan& plan) : plan_(plan), is_needed_(static_cast<size_t>(plan.num_slots), false) {}

  void run() {
    for (size_t i = plan_.outputs.size(); i-- > 0;) move_if_last(plan_.outputs[i]);
    std::vector<Step> kept;
    for (size_t i = plan_.steps.size(); i-- > 0;) {
      Step& step = plan_.steps[i];
      if (step.kind == StepKind::kScalar && !gives_something_needed(step)) continue;
      visit(step);
      kept.push_back(std::move(step));
    }
    plan_.steps.assign(std::make_move_iterator(kept.rbegin()), std::make_move_iterator(kept.rend()));
  }

 private:
  // Whether this is the last use. Backwards, the first time that a slot is met.
  bool need(Slot slot) {
    if (slot == kNoSlot || is_needed_[static_cast<size_t>(slot)]) return false;
    is_needed_[static_cast<size_t>(slot)] = true;
    return true;
  }

  void move_if_last(Operand& operand) {
    if (operand.take == Take::kCopy && need(operand.index)) operand.take = Take::kMove;
  }

  bool gives_something_needed(const Step& step) const {
    bool is_any = false;
    each_result(plan_, step, [&](Slot slot) { is_any |= is_needed_[static_cast<size_t>(slot)]; });
    return is_any;
  }

  // Results that nobody uses go at once; then operands, the last one first, so that of two uses in one step the later one moves.
  void visit(Step& step) {
    step.releases.first = static_cast<uint32_t>(plan_.releases.size());
    const auto release_if_last = [&](Slot slot) {
      if (need(slot)) plan_.releases.push_back(slot);
    };
    each_result(plan_, step, release_if_last);
    // A list reads the table too: its values may only go after the step, so they are looked at before the single operands can move them.
    for (uint32_t i = 0; i < step.operands.count; ++i) {
      const Operand& operand = plan_.operands[step.operands.first + i];
      if (operand.take != Take::kList) continue;
      for (const ListOperand::Item& item : plan_.lists[static_cast<size_t>(operand.index)].items) release_if_last(item.slot);
    }
    for (uint32_t i = step.operands.count; i-- > 0;) move_if_last(plan_.operands[step.operands.first + i]);
    step.releases.count = static_cast<uint32_t>(plan_.releases.size()) - step.releases.first;
  }

  Plan& plan_;
  std::vector<bool> is_needed_;
};

}  // namespace

void plan_lifetimes(Plan& plan) { Lifetimes(plan).run(); }

}  // namespace pt2
