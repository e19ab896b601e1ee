// What is asked of optimizers that are given what they may refuse: parameters of other shapes and formats, and gradients that do not fit.
#include <ATen/ops/zeros.h>

#include "conformance/torch/failures.h"
#include "conformance/torch/optimizer_bench.h"
#include "conformance/torch/torch_questions.h"

namespace trainhost::conformance {
namespace {

// Groups that a run may have, if seldom.
struct OddGroups {
  const char* text;
  std::vector<std::vector<std::pair<std::vector<std::int64_t>, at::ScalarType>>> groups;  // shape and format of each parameter
};

const OddGroups kOddGroups[] = {
    {"no groups: everything is frozen", {}},
    {"a group without parameters", {{}}},
    {"a group without parameters beside one with", {{}, {{{3, 2}, at::kFloat}}}},
    {"a parameter without elements", {{{{0, 4}, at::kFloat}}}},
    {"a parameter without axes", {{{{}, at::kFloat}}}},
    {"a parameter of five axes", {{{{2, 1, 2, 1, 2}, at::kFloat}}}},
    {"a parameter in float64", {{{{3, 2}, at::kDouble}}}},
    {"a parameter in bfloat16", {{{{3, 2}, at::kBFloat16}}}},
    {"parameters of two formats in one group", {{{{3, 2}, at::kFloat}, {{3, 2}, at::kDouble}}}},
    {"a parameter in int64", {{{{3, 2}, at::kLong}}}},
};

std::vector<t2::Parameter> parameters_of(const OddGroups& odd, at::Device device, std::mt19937_64& random) {
  std::vector<t2::Parameter> parameters;
  for (const auto& group : odd.groups)
    for (const auto& [sizes, type] : group) {
      const at::TensorOptions options = at::TensorOptions(type).device(device);
      t2::Parameter parameter{format("p{}", parameters.size()), normal_numbers(sizes, random).to(options), {}, true, t2::kDecay};
      if (at::isFloatingType(type)) parameter.compute.mutable_grad() = normal_numbers(sizes, random).to(options);
      parameters.push_back(std::move(parameter));
    }
  return parameters;
}

std::vector<t2::ParameterGroup> groups_of(const OddGroups& odd, std::vector<t2::Parameter>& parameters) {
  std::vector<t2::ParameterGroup> groups;
  std::size_t next = 0;
  for (const auto& group : odd.groups) {
    groups.push_back({{}, 1.0, 0.1});
    for (std::size_t i = 0; i < group.size(); ++i) groups.back().parameters.push_back(&parameters[next++]);
  }
  return groups;
}

// It takes them in attach and in two steps, or refuses them with words.
void attach_and_step(const Subject& subject, const OddGroups& odd) {
  std::mt19937_64 random(subject.seed);
  const at::Device device = device_of(subject);
  std::vector<t2::Parameter> parameters = parameters_of(odd, device, random);
  std::vector<t2::ParameterGroup> groups = groups_of(odd, parameters);
  Specimen plugin(subject);
  plugin.begin();
  t2::Optimizer& optimizer = object_of<t2::Optimizer>(plugin);
  const bool is_refused = refusal_of_call(format("optimizer.attach ({})", odd.text), [&] { optimizer.attach(groups); }).has_value();
  if (is_refused) return;
  for (std::uint64_t i = 1; i <= 2; ++i) {
    const at::NoGradGuard no_gradients;
    const bool is_done = !refusal_of_call(format("optimizer.step ({})", odd.text), [&] { optimizer.step(step_inputs({}, i, device)); });
    for (const t2::Parameter& parameter : parameters)
      require(!is_done || is_finite(parameter.compute), "({}) \"{}\" is not finite after step {}", odd.text, parameter.name, i);
  }
}

void bears_odd_parameters(const Subject& subject) {
  for (const OddGroups& odd : kOddGroups) attach_and_step(subject, odd);
}

// A gradient of one more row than its parameter has: what is read of it lies inside of it.
at::Tensor longer_gradient(const at::Tensor& weight) {
  std::vector<std::int64_t> sizes(weight.sizes().begin(), weight.sizes().end());
  ++sizes[0];
  return at::zeros(sizes, weight.options());
}

void step_with(Bench& bench, const std::string& what, std::size_t index, const at::Tensor& gradient) {
  bench.draw_gradients(3);
  bench.master(index).mutable_grad() = gradient;
  const at::NoGradGuard no_gradients;
  (void)refusal_of_call(format("optimizer.step ({})", what), [&] { bench.optimizer().step(step_inputs({}, 2, bench.device())); });
}

void check_alive(Bench& bench, const Bench& fresh, const std::string& what) {
  const Bytes before = bench.masters();
  bench.train(1);
  require(bench.masters() != before, "after a step with {} the next one changes nothing", what);
  for (std::size_t i = 0; i < bench.parameters().size(); ++i) {
    require(is_finite(bench.master(i)), "after a step with {} \"{}\" is not finite", what, bench.parameters()[i].name);
    require(bench.master(i).sizes() == fresh.master(i).sizes(), "after a step with {} \"{}\" has another shape", what, bench.parameters()[i].name);
  }
}

void works_after_an_error(const Subject& subject) {
  const Bench fresh(subject);
  for (std::size_t i = 0; i < fresh.parameters().size(); ++i) {
    const std::string& name = fresh.parameters()[i].name;
    Bench longer(subject), other(subject);
    longer.train(1), other.train(1);
    const std::string what = format("a gradient of \"{}\" that is too long", name);
    step_with(longer, what, i, longer_gradient(longer.master(i)));
    check_alive(longer, fresh, what);
    const std::string format_text = format("a gradient of \"{}\" in float64", name);
    step_with(other, format_text, i, other.master(i).to(at::kDouble));
    check_alive(other, fresh, format_text);
  }
}

constexpr Question kOptimizerFailuresQuestions[] = {
    {"optimizer/bears_odd_parameters", "Parameters of any shape and format are updated, or refused with words", "optimizer", Scope::kPlugin,
     answer<bears_odd_parameters>},
    {"optimizer/works_after_an_error", "A step that was refused is no crash, and the next one updates", "optimizer", Scope::kPlugin,
     answer<works_after_an_error>},
};

}  // namespace

std::span<const Question> optimizer_failure_questions() { return kOptimizerFailuresQuestions; }

}  // namespace trainhost::conformance
