#include "segments.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "errors.h"
#include "step_facts.h"

namespace pt2 {
namespace {

constexpr uint32_t kFewestOperators = 2;  // one alone keeps what it needs in any case

struct Run {
  std::string name;
  uint32_t first = 0, end = 0;
};

// Classes of which there are several blocks with parts.
std::set<std::string> repeated_types(const Plan& plan) {
  std::map<std::string, std::set<std::string>> calls;  // of a class
  std::set<std::string> with_parts;
  for (const Origin& origin : plan.origins) {
    if (origin.block.call.empty()) continue;
    calls[origin.block.type].insert(origin.block.call);
    if (origin.block.is_part) with_parts.insert(origin.block.type);
  }
  std::set<std::string> types;
  for (const auto& [type, of_type] : calls)
    if (of_type.size() > 1 && with_parts.contains(type)) types.insert(type);
  return types;
}

// The block of each step; empty outside. Numbers that are computed between two steps of a block have no module of their own.
std::vector<std::string> blocks_of_steps(const Plan& plan) {
  const std::set<std::string> types = repeated_types(plan);
  std::vector<std::string> blocks;
  for (const Step& step : plan.steps) {
    const BlockOfNode& block = plan.origins[step.origin].block;
    blocks.push_back(types.contains(block.type) ? block.call : "");
  }
  for (size_t i = 0, next; i < blocks.size(); i = next) {
    const auto is_stray = [&](size_t k) { return blocks[k].empty() && plan.origins[plan.steps[k].origin].module.empty(); };
    for (next = i + 1; next < blocks.size() && is_stray(i) && is_stray(next);) ++next;
    const bool is_between = is_stray(i) && i > 0 && next < blocks.size() && blocks[i - 1] == blocks[next];
    if (is_between) std::fill(blocks.begin() + static_cast<std::ptrdiff_t>(i), blocks.begin() + static_cast<std::ptrdiff_t>(next), blocks[next]);
  }
  return blocks;
}

bool enters(const Step& step) { return step.kind == StepKind::kEnterGrad || step.kind == StepKind::kEnterAutocast; }

// The longest part of a run that leaves every region that it enters, and no other.
Run within_regions(const Plan& plan, Run run) {
  std::vector<uint32_t> open;
  for (uint32_t i = run.first; i < run.end; ++i) {
    if (enters(plan.steps[i])) open.push_back(i);
    if (plan.steps[i].kind != StepKind::kLeave) continue;
    if (open.empty()) {
      run.end = i;
      return run;
    }
    open.pop_back();
  }
  if (!open.empty()) run.first = open.back() + 1;
  return run;
}

// In a bundle the user's own module is called `model`.
std::string name_in_model(const std::string& block) { return block.starts_with("model.") ? block.substr(6) : block; }

std::vector<Run> find_runs(const Plan& plan) {
  const std::vector<std::string> blocks = blocks_of_steps(plan);
  std::vector<Run> runs;
  for (uint32_t i = 0, next; i < blocks.size(); i = next) {
    for (next = i + 1; next < blocks.size() && blocks[next] == blocks[i];) ++next;
    if (blocks[i].empty()) continue;
    const Run run = within_regions(plan, {name_in_model(blocks[i]), i, next});
    const auto num_operators = std::count_if(plan.steps.begin() + run.first, plan.steps.begin() + run.end, [](const Step& step) { return step.kind == StepKind::kOperator; });
    if (num_operators >= kFewestOperators) runs.push_back(run);
  }
  return runs;
}

class Finder {
 public:
  Finder(const Plan& plan, const std::vector<bool>& is_changing)
      : plan_(plan), runs_(find_runs(plan)), memory_(memory_of(plan)), made_at_(static_cast<size_t>(plan.num_slots), kBefore), last_use_(made_at_), is_changing_(is_changing) {
    for (uint32_t i = 0; i < plan.steps.size(); ++i) {
      each_operand(plan, plan.steps[i], [&](Slot slot) { last_use_[static_cast<size_t>(slot)] = i; });
      each_result(plan, plan.steps[i], [&](Slot slot) { made_at_[static_cast<size_t>(slot)] = i; });
    }
    for (const Operand& output : plan.outputs)
      if (output.take != Take::kConstant) last_use_[static_cast<size_t>(output.index)] = static_cast<int64_t>(plan.steps.size());
  }

  std::vector<Segment> segments() {
    if (runs_.empty())
      throw refuse("recompute = \"blocks\": the model has no blocks: a block is a module with parts that a list numbers, such as h.0 and h.1, of a class that "
                   "comes at least twice; remove the key");
    std::vector<Segment> segments;
    for (const Run& run : runs_) segments.push_back(segment_of(run));
    for (uint32_t i = 0; i < plan_.steps.size(); ++i)
      for (const Slot slot : changed_by(plan_, plan_.steps[i])) check_change(i, memory_[static_cast<size_t>(slot)], segments);
    return segments;
  }

 private:
  static constexpr int64_t kBefore = -1;

  int64_t made_at(Slot slot) const { return made_at_[static_cast<size_t>(slot)]; }
  int64_t last_use(Slot slot) const { return last_use_[static_cast<size_t>(slot)]; }
  bool changes(Slot memory) const { return static_cast<size_t>(memory) < is_changing_.size() && is_changing_[static_cast<size_t>(memory)]; }

  Segment segment_of(const Run& run) const {
    Segment segment{run.name, run.first, run.end, {}, {}, {}, {}, false};
    std::set<Slot> seen, changing;
    for (uint32_t i = run.first; i < run.end; ++i) {
      const Step& step = plan_.steps[i];
      segment.draws |= draws(plan_, step);
      each_operand(plan_, step, [&](Slot slot) {
        if (made_at(slot) >= run.first || !seen.insert(slot).second) return;
        segment.inputs.push_back(slot);
        if (last_use(slot) < run.end) segment.last_uses.push_back(slot);
        const Slot memory = memory_[static_cast<size_t>(slot)];
        if (!changes(memory)) return;
        if (!changing.insert(memory).second) throw refuse(trainhost::format("recompute = \"blocks\": block {} takes a buffer that changes, and a part of it; remove the key", run.name));
        segment.changing.push_back(slot);
      });
      each_result(plan_, step, [&](Slot slot) {
        if (last_use(slot) >= run.end) segment.outputs.push_back(slot);
      });
    }
    return segment;
  }

  static const Segment* around(int64_t step, const std::vector<Segment>& segments) {
    for (const Segment& segment : segments)
      if (step >= segment.first && step < segment.end) return &segment;
    return nullptr;
  }

  // What went into a block must be the same when the block is computed again.
  void check_change(uint32_t step, Slot memory, const std::vector<Segment>& segments) const {
    if (changes(memory)) return;  // a copy is kept
    const Segment* here = around(step, segments);
    if (here && here == around(made_at(memory), segments)) return;
    for (const Segment& segment : segments) {
      const bool takes = std::any_of(segment.inputs.begin(), segment.inputs.end(), [&](Slot input) { return memory_[static_cast<size_t>(input)] == memory; });
      if (!takes || segment.first > step) continue;
      const Origin& origin = plan_.origins[plan_.steps[step].origin];
      throw refuse(trainhost::format("recompute = \"blocks\": block {} cannot be computed again: {}{}{} changes in place what goes into it; write that line without the change in place "
                                     "and export again, or remove the key",
                                     segment.name, origin.target, origin.source.empty() ? "" : ", at ", origin.source));
    }
  }

  const Plan& plan_;
  std::vector<Run> runs_;
  std::vector<Slot> memory_;
  std::vector<int64_t> made_at_, last_use_;  // steps
  const std::vector<bool>& is_changing_;
};

}  // namespace

std::vector<Segment> find_segments(const Plan& plan, const std::vector<bool>& is_changing) { return Finder(plan, is_changing).segments(); }

}  // namespace pt2
