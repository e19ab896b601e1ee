// What is asked of optimizers: small parameters of several shapes, random gradients, and every byte compared.
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "conformance/torch/optimizer_bench.h"
#include "conformance/torch/torch_questions.h"

namespace trainhost::conformance {
namespace {

void require_same(const Bytes& a, const Bytes& b, std::string_view what) {
  const std::string name = first_difference(a, b);
  require(name.empty(), "\"{}\" {}", name, what);
}

// Largest difference of two tensors, as a share of the largest value.
double distance(const at::Tensor& a, const at::Tensor& b) { return number_of(a.sub(b).abs().max()) / std::max(1e-30, number_of(b.abs().max())); }

void slots_are_named_and_zero(const Subject& subject) {
  Bench bench(subject);
  const double rate = bench.optimizer().learning_rate(), decay = bench.optimizer().weight_decay();
  require(std::isfinite(rate) && rate > 0, "learning_rate() is {}", rate);
  require(std::isfinite(decay) && decay >= 0, "weight_decay() is {}", decay);
  std::set<std::string> names;
  for (const t2::NamedTensor& slot : bench.optimizer().state()) {
    const bool has_owner = std::any_of(bench.parameters().begin(), bench.parameters().end(),
                                       [&](const t2::Parameter& parameter) { return slot.name.starts_with(parameter.name + "."); });
    require(has_owner, "slot \"{}\" is named after no parameter; wanted <parameter>.<slot>", slot.name);
    require(names.insert(slot.name).second, "two slots are named \"{}\"", slot.name);
    require(slot.tensor.defined() && slot.tensor.device().type() == bench.device().type(), "slot \"{}\" is not on {}", slot.name, bench.device().str());
    require(number_of(slot.tensor.to(at::kFloat).abs().sum()) == 0, "slot \"{}\" is not zero after attach", slot.name);
  }
  const Bytes before = bench.bytes();
  bench.train(5);
  for (const t2::NamedTensor& slot : bench.optimizer().state()) require(is_finite(slot.tensor), "slot \"{}\" is not finite after 5 updates", slot.name);
  for (std::size_t i = 0; i < bench.parameters().size(); ++i)
    require(is_finite(bench.master(i)), "\"{}\" is not finite after 5 updates", bench.parameters()[i].name);
  const Bytes after = bench.bytes();
  require(before.size() == after.size(), "there are {} slots after 5 updates, and {} before", after.size(), before.size());
  for (std::size_t i = 0; i < before.size(); ++i)
    require(before[i].first == after[i].first, "slot \"{}\" stands where \"{}\" stood", after[i].first, before[i].first);
  require(before != after, "5 updates changed nothing");
}

void a_skipped_step_changes_nothing(const Subject& subject) {
  Bench bench(subject), straight(subject);
  bench.train(2), straight.train(2);
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), 1.0}) {
    const Bytes before = bench.bytes();
    bench.draw_gradients(7, bad);
    bench.step({0.01, 1, true});
    require_same(before, bench.bytes(), format("has changed in a step with found_non_finite = 1 and gradients times {}", bad));
  }
  bench.train(1), straight.train(1);
  require_same(straight.bytes(), bench.bytes(), "differs one update later from an optimizer that saw no skipped step; keep no count beside the slots");
}

void saved_state_continues(const Subject& subject) {
  Bench first(subject), second(subject);
  first.train(3);
  second.load(first);
  first.train(3), second.train(3);
  require_same(first.bytes(), second.bytes(),
               "differs 3 updates after its slots were loaded into a second instance; everything that an update needs must be a slot");
}

void rate_and_multiplier_are_obeyed(const Subject& subject) {
  Bench still(subject);
  const Bytes before = still.masters();
  still.draw_gradients(1);
  still.step({0.0, 1, false});
  require_same(before, still.masters(), "has changed in a step with learning_rate 0");

  // Powers of two change no digit, so what is left is the order of the arithmetic.
  Bench plain(subject), scaled(subject), grouped(subject, 4);
  for (std::uint64_t i = 0; i < 3; ++i) {
    plain.draw_gradients(i), plain.step();
    scaled.draw_gradients(i, 8), scaled.step({0.01, 0.125, false});
    grouped.draw_gradients(i), grouped.step({0.005, 1, false});
  }
  for (std::size_t i = 0; i < plain.parameters().size(); ++i)
    require(distance(scaled.master(i), plain.master(i)) < 1e-5, "\"{}\" differs when gradients are 8 times as large and gradient_multiplier is 1/8",
            plain.parameters()[i].name);
  require(distance(grouped.master(0), plain.master(0)) < 1e-5, "\"weight\" differs between a rate_multiplier of 2 with rate 0.01, and of 4 with rate 0.005");
}

void parameters_without_gradient_stay(const Subject& subject) {
  Bench bench(subject);
  bench.train(1);
  const Bytes before = bench.masters();
  bench.draw_gradients(3);
  bench.master(1).mutable_grad().reset();
  bench.step();
  const Bytes after = bench.masters();
  require(before[1] == after[1], "\"bias\" has no gradient, and has changed");
  require(before[0] != after[0], "\"weight\" has a gradient, and has not changed, beside one without");
}

void step_does_not_wait(const Subject& subject) {
  Bench bench(subject);
  bench.train(2);  // what is made once may wait
  bench.draw_gradients(1);
  const WaitWatch watch(bench.device());
  bench.step();
  require(watch.seen().empty(), "step called {}, which waits for the device; the numbers of an update stay in tensors", watch.seen().front());
}

constexpr Question kOptimizerQuestions[] = {
    {"optimizer/slots", "Slots are zero after attach, named after their parameters, and stay finite and in order", "optimizer", Scope::kPlugin,
     answer<slots_are_named_and_zero>},
    {"optimizer/skipped_step_changes_nothing", "found_non_finite = 1 leaves every byte as it was", "optimizer", Scope::kPlugin,
     answer<a_skipped_step_changes_nothing>},
    {"optimizer/saved_state_continues", "Saved and reloaded slots continue bit for bit", "optimizer", Scope::kPlugin, answer<saved_state_continues>},
    {"optimizer/rate_and_multiplier", "Rates and multipliers scale the update, and rate 0 makes none", "optimizer", Scope::kPlugin,
     answer<rate_and_multiplier_are_obeyed>},
    {"optimizer/missing_gradients", "A parameter without a gradient stays as it is", "optimizer", Scope::kPlugin, answer<parameters_without_gradient_stay>},
    {"optimizer/no_host_waits", "step does not wait for the device", "optimizer", Scope::kPlugin, answer<step_does_not_wait>},
};

}  // namespace

std::span<const Question> optimizer_questions() { return kOptimizerQuestions; }

}  // namespace trainhost::conformance
