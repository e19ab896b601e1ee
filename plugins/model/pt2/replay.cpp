// The loop over a plan's steps.
#include <ATen/ScalarOps.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <utility>

#include "errors.h"
#include "plan.h"
#include "regions.h"
#include "run_segment.h"

namespace pt2 {
namespace {

using at::Tensor;
using c10::IValue;
using torch::jit::Stack;
using Values = std::vector<IValue>;

// A number where a tensor is wanted: 0-dim and "wrapped", so that it does not take part in the choice of the result's number format.
IValue wrapped(const IValue& number) {
  Tensor tensor = c10::scalar_to_tensor(number.toScalar());
  tensor.unsafeGetTensorImpl()->set_wrapped_number(true);
  return tensor;
}

template <class T, class Read>
IValue typed_list(const ListOperand& list, const Values& values, const Read& read) {
  c10::List<T> out;
  out.reserve(list.items.size());
  for (const ListOperand::Item& item : list.items) out.push_back(read(item.slot == kNoSlot ? item.literal : values[static_cast<size_t>(item.slot)]));
  return out;
}

IValue make_list(const ListOperand& list, const Values& values) {
  switch (list.kind) {
    case ListOperand::Kind::kTensors: return typed_list<Tensor>(list, values, [](const IValue& value) { return value.toTensor(); });
    case ListOperand::Kind::kOptionalTensors:
      return typed_list<std::optional<Tensor>>(list, values, [](const IValue& value) { return value.isNone() ? std::nullopt : std::optional<Tensor>(value.toTensor()); });
    case ListOperand::Kind::kInts: return typed_list<int64_t>(list, values, [](const IValue& value) { return value.toInt(); });
    case ListOperand::Kind::kReals: return typed_list<double>(list, values, [](const IValue& value) { return value.isInt() ? static_cast<double>(value.toInt()) : value.toDouble(); });
    case ListOperand::Kind::kBools: return typed_list<bool>(list, values, [](const IValue& value) { return value.toBool(); });
  }
  return {};
}

IValue taken(const Plan& plan, const Operand& operand, Values& values) {
  const auto index = static_cast<size_t>(operand.index);
  switch (operand.take) {
    case Take::kConstant: return plan.constants[index];
    case Take::kCopy: return values[index];
    case Take::kMove: return std::move(values[index]);
    case Take::kList: return make_list(plan.lists[index], values);
  }
  return {};
}

void push(const Plan& plan, const Operand& operand, Values& values, Stack& stack) {
  stack.push_back(taken(plan, operand, values));
  if (operand.convert == Convert::kNothing) return;
  IValue& top = stack.back();
  if (operand.convert == Convert::kTensor && !top.isTensor()) top = wrapped(top);
  if (operand.convert == Convert::kReal && top.isInt()) top = static_cast<double>(top.toInt());
}

void store(const Plan& plan, const Step& step, Stack& stack, Values& values) {
  if (stack.size() < step.results.count)
    throw refuse(trainhost::format("{} returned {} values, the program expects {}", plan.origins[step.origin].target, stack.size(), step.results.count));
  for (uint32_t i = 0; i < step.results.count; ++i) {
    const Result& result = plan.results[step.results.first + i];
    if (result.count == Result::kSingle) {
      if (result.first != kNoSlot) values[static_cast<size_t>(result.first)] = std::move(stack[i]);
      continue;
    }
    const c10::List<Tensor> list = std::move(stack[i]).toTensorList();
    if (list.size() != static_cast<size_t>(result.count))
      throw refuse(trainhost::format("{} returned {} tensors, the program expects {}", plan.origins[step.origin].target, list.size(), result.count));
    for (size_t k = 0; k < list.size(); ++k)
      if (const Slot slot = plan.list_slots[static_cast<size_t>(result.first) + k]; slot != kNoSlot) values[static_cast<size_t>(slot)] = list.get(k);
  }
}

void run_step(const Plan& plan, const Step& step, Values& values, Stack& stack, Regions& regions) {
  stack.clear();
  for (uint32_t i = 0; i < step.operands.count; ++i) push(plan, plan.operands[step.operands.first + i], values, stack);
  switch (step.kind) {
    case StepKind::kOperator: step.op->callBoxed(stack); break;
    case StepKind::kScalar: step.scalar(stack); break;
    case StepKind::kEnterGrad: regions.enter_grad(plan.regions[step.region]); break;
    case StepKind::kEnterAutocast: regions.enter_autocast(plan.regions[step.region]); break;
    case StepKind::kLeave: regions.leave(); break;
  }
  store(plan, step, stack, values);
  for (uint32_t i = 0; i < step.releases.count; ++i) values[static_cast<size_t>(plan.releases[step.releases.first + i])] = IValue();
}

std::string place_of(const Origin& origin) {
  return trainhost::format("in {}{}{}", origin.target, origin.source.empty() ? "" : ", at ", origin.source);
}

// Runs steps [first, end).
void run_steps(const Plan& plan, uint32_t first, uint32_t end, Values& values, Regions& regions) {
  Stack stack;
  const Step* step = plan.steps.data() + first;
  try {
    for (const Step* last = plan.steps.data() + end; step != last; ++step) run_step(plan, *step, values, stack, regions);
  } catch (c10::Error& error) {  // keeps its type: out of memory is retried
    error.add_context(place_of(plan.origins[step->origin]));
    throw;
  }
}

void run_all(const Plan& plan, Values& values) {
  Regions regions;
  uint32_t next = 0;
  const bool is_training = c10::GradMode::is_enabled();
  for (const Segment& segment : plan.segments) {
    if (!is_training) break;
    run_steps(plan, next, segment.first, values, regions);
    run_segment(plan, segment, values);
    next = segment.end;
  }
  run_steps(plan, next, static_cast<uint32_t>(plan.steps.size()), values, regions);
}

}  // namespace

void run_segment_steps(const Plan& plan, const Segment& segment, std::vector<IValue>& values) {
  Regions regions;
  run_steps(plan, segment.first, segment.end, values, regions);
}

std::vector<IValue> replay(const Plan& plan, Values values) {
  run_all(plan, values);
  std::vector<IValue> out;
  for (const Operand& output : plan.outputs) out.push_back(taken(plan, output, values));
  return out;
}

}  // namespace pt2
