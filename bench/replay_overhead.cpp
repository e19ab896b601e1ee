// What a replayed step of an exported program costs beside its operator: the plan's loop against the same operator called in a bare loop, in one process.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/ones.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "model/pt2/plan.h"

namespace {

constexpr int kSteps = 2000, kRounds = 200;

// x = x + y, over and over: two tensors and a number in, one tensor out.
pt2::Plan chain(const c10::OperatorHandle& op) {
  pt2::Plan plan;
  plan.num_slots = kSteps + 2;
  plan.num_inputs = 2;
  plan.constants.emplace_back(int64_t{1});
  plan.origins.push_back({"aten.add.Tensor", "", ""});
  for (int i = 0; i < kSteps; ++i) {
    pt2::Step step{.kind = pt2::StepKind::kOperator, .op = op};
    step.operands = {static_cast<uint32_t>(plan.operands.size()), 3};
    plan.operands.push_back({pt2::Take::kMove, pt2::Convert::kNothing, i == 0 ? 0 : i + 1});
    plan.operands.push_back({pt2::Take::kCopy, pt2::Convert::kNothing, 1});
    plan.operands.push_back({pt2::Take::kConstant, pt2::Convert::kNothing, 0});
    step.results = {static_cast<uint32_t>(plan.results.size()), 1};
    plan.results.push_back({i + 2, pt2::Result::kSingle});
    plan.steps.push_back(step);
  }
  plan.outputs.push_back({pt2::Take::kMove, pt2::Convert::kNothing, kSteps + 1});
  return plan;
}

template <class Body>
double nanoseconds_a_step(const Body& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() / kSteps;
}

}  // namespace

int main() {
  const at::NoGradGuard no_gradients;
  const auto op = c10::Dispatcher::singleton().findSchemaOrThrow("aten::add", "Tensor");
  const pt2::Plan plan = chain(op);
  const at::Tensor x = at::ones({}), y = at::ones({});
  double replayed = 1e9, bare = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    replayed = std::min(replayed, nanoseconds_a_step([&] {
                          std::vector<c10::IValue> values(static_cast<size_t>(plan.num_slots));
                          values[0] = x;
                          values[1] = y;
                          pt2::replay(plan, std::move(values));
                        }));
    bare = std::min(bare, nanoseconds_a_step([&] {
                      torch::jit::Stack stack;
                      c10::IValue value = x;
                      for (int i = 0; i < kSteps; ++i) {
                        stack.clear();
                        stack.push_back(std::move(value));
                        stack.emplace_back(y);
                        stack.emplace_back(int64_t{1});
                        op.callBoxed(stack);
                        value = std::move(stack[0]);
                      }
                    }));
  }
  std::printf("replayed %.0f ns a step, the bare call %.0f ns, overhead %.0f ns (fastest of %d rounds of %d steps)\n", replayed, bare, replayed - bare, kRounds, kSteps);
}
