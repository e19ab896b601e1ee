// What is asked of models: initial weights, sums, traces that a pass leaves, waits. The gradient has a file of its own.
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "conformance/torch/fields.h"
#include "conformance/torch/gradients.h"
#include "conformance/torch/torch_questions.h"

namespace trainhost::conformance {
namespace {

std::vector<std::string> names_of(const BuiltModel& built) {
  std::vector<std::string> names;
  for (const auto& [name, unused] : built.bytes()) names.push_back(name);
  return names;
}

void check_parameters(const BuiltModel& built) {
  std::set<std::string> names;
  const auto check = [&](const std::string& name, const at::Tensor& tensor) {
    require(!name.empty() && names.insert(name).second, "\"{}\" names two parameters or buffers, or is empty", name);
    require(tensor.defined(), "\"{}\" is undefined after build", name);
    require(tensor.device().type() == built.device.type(), "\"{}\" lies on {}, the model was built for {}", name, tensor.device().str(), built.device.str());
  };
  for (const t2::Parameter& parameter : built.model->parameters()) {
    check(parameter.name, parameter.compute);
    require(!parameter.master.defined(), "\"{}\" has a master; masters are the host's, leave it undefined", parameter.name);
    require(parameter.compute.is_leaf(), "\"{}\" is no leaf: build must not leave a history of gradients on it", parameter.name);
  }
  for (const t2::NamedTensor& buffer : built.model->buffers()) check(buffer.name, buffer.tensor);
  require(!built.model->parameters().empty(), "build made no parameters (fields {})", built.fields_text);
}

void parameters_are_stable(const Subject& subject) {
  for_each_field_set(subject, at::kFloat, subject.seed, [&](BuiltModel& built) {
    check_parameters(built);
    const auto before = names_of(built);
    std::mt19937_64 random(subject.seed);
    for (int pass = 0; pass < 2; ++pass) calling("backward", [&] { built.forward(random_batch(built, 4, random), t2::Mode::kTrain).loss_sum.backward(); });
    require(names_of(built) == before, "parameters or buffers have other names or another order after a pass (fields {})", built.fields_text);
    check_parameters(built);
  });
}

void same_seed_same_weights(const Subject& subject) {
  const auto build = [&](std::uint64_t generator_seed) {
    std::vector<Bytes> all;
    seed_generators(device_of(subject), generator_seed);
    for_each_field_set(subject, at::kFloat, subject.seed, [&](BuiltModel& built) { all.push_back(built.bytes()); });
    return all;
  };
  const auto first = build(1), second = build(2);
  for (std::size_t i = 0; i < first.size(); ++i) {
    const std::string name = first_difference(first[i], second.at(i));
    require(name.empty(), "two builds with one seed gave \"{}\" other values; draw from a generator that ModelFacts::seed starts", name);
  }
}

struct Kind {
  std::string name;
  std::vector<std::int64_t> shape;
  at::ScalarType type;
  bool operator==(const Kind&) const = default;
};

std::vector<std::pair<Kind, at::Tensor>> tensors_of(const BuiltModel& built) {
  std::vector<std::pair<Kind, at::Tensor>> tensors;
  const auto add = [&](const std::string& name, const at::Tensor& tensor) { tensors.emplace_back(Kind{name, tensor.sizes().vec(), tensor.scalar_type()}, tensor); };
  for (const t2::Parameter& parameter : built.model->parameters()) add(parameter.name, parameter.compute);
  for (const t2::NamedTensor& buffer : built.model->buffers()) add(buffer.name, buffer.tensor);
  return tensors;
}

// As a resume does it: built without values, then given those of a checkpoint.
void values_may_follow(const Subject& subject) {
  for_each_field_set(subject, at::kFloat, subject.seed, [&](BuiltModel& drawn) {
    BuiltModel given(subject, drawn.fields_text, drawn.fields);
    calling("model.build with values_follow", [&] { given.model->build({given.fields, given.device, at::kFloat, subject.seed, /*values_follow=*/true}); });
    check_parameters(given);
    const at::NoGradGuard no_gradients;
    const auto wanted = tensors_of(drawn), got = tensors_of(given);
    for (std::size_t i = 0; i < wanted.size(); ++i)
      require(i < got.size() && got[i].first == wanted[i].first, "\"{}\" (fields {}) is another one, or of another shape or format, when the model is built with values_follow",
              wanted[i].first.name, drawn.fields_text);
    require(got.size() == wanted.size(), "there are more parameters or buffers (fields {}) when the model is built with values_follow", drawn.fields_text);
    for (std::size_t i = 0; i < wanted.size(); ++i) at::Tensor(got[i].second).copy_(wanted[i].second);
    std::mt19937_64 random(subject.seed);
    const t2::Batch batch = random_batch(drawn, 4, random);
    const double loss = number_of(drawn.forward(batch, t2::Mode::kEvaluate).loss_sum), same = number_of(given.forward(batch, t2::Mode::kEvaluate).loss_sum);
    require(loss == same, "loss_sum (fields {}) is {}, and {} where the same values followed; make everything but parameters and buffers in build too", drawn.fields_text, loss, same);
  });
}

void check_scalar(const BuiltModel& built, const char* name, const at::Tensor& tensor) {
  require(tensor.defined() && tensor.dim() == 0, "{} (fields {}) must be one number, got {} axes", name, built.fields_text,
          tensor.defined() ? tensor.dim() : -1);
  require(tensor.device().type() == built.device.type(), "{} (fields {}) lies on {}, wanted {}", name, built.fields_text, tensor.device().str(),
          built.device.str());
}

void output_is_sums(const Subject& subject) {
  for_each_field_set(subject, at::kFloat, subject.seed, [&](BuiltModel& built) {
    std::mt19937_64 random(subject.seed);
    std::vector<std::string> names[2];
    for (auto& metrics : names) {
      const t2::Output output = built.forward(random_batch(built, 4, random), t2::Mode::kTrain);
      check_scalar(built, "loss_sum", output.loss_sum);
      check_scalar(built, "count", output.count);
      for (const t2::NamedTensor& metric : output.metric_sums) {
        check_scalar(built, metric.name.c_str(), metric.tensor);
        metrics.push_back(metric.name);
      }
      require(std::isfinite(number_of(output.loss_sum)), "loss_sum (fields {}) is {} with fresh weights", built.fields_text, number_of(output.loss_sum));
      require(number_of(output.count) > 0, "count (fields {}) is {} for samples of which most targets count", built.fields_text, number_of(output.count));
    }
    require(names[0] == names[1], "forward (fields {}) returned other metrics the second time; names and order must stay", built.fields_text);
    require(std::set<std::string>(names[0].begin(), names[0].end()).size() == names[0].size(), "two metrics (fields {}) have one name", built.fields_text);
  });
}

// ---- sums

struct Sum {
  std::string name;
  double value;
};

std::vector<Sum> sums_of(const t2::Output& output) {
  std::vector<Sum> sums = {{"loss_sum", number_of(output.loss_sum)}, {"count", number_of(output.count)}};
  for (const t2::NamedTensor& metric : output.metric_sums) sums.push_back({metric.name, number_of(metric.tensor)});
  return sums;
}

constexpr double kRounding = 1e-10;  // of float64 sums in another order

// Evaluation only: in training a model may look at the batch as a whole (batch norm), or draw (dropout).
void cut_batch_same_sums(const Subject& subject) {
  for_each_field_set(subject, at::kDouble, subject.seed, [&](BuiltModel& built) {
    const at::NoGradGuard no_gradients;
    std::mt19937_64 random(subject.seed);
    const t2::Batch batch = random_batch(built, 5, random);
    const t2::Output output = built.forward(batch, t2::Mode::kEvaluate);
    require_float64(built, output.loss_sum);
    const std::vector<Sum> whole = sums_of(output);
    std::vector<Sum> parts = sums_of(built.forward(part_of(batch, 0, 2), t2::Mode::kEvaluate));
    const std::vector<Sum> rest = sums_of(built.forward(part_of(batch, 2, 5), t2::Mode::kEvaluate));
    require(whole.size() == parts.size() && whole.size() == rest.size(), "forward (fields {}) returned other metrics for a part of the batch",
            built.fields_text);
    for (std::size_t i = 0; i < whole.size(); ++i) {
      const double sum = parts[i].value + rest[i].value;
      require(std::abs(sum - whole[i].value) <= kRounding * std::max(1.0, std::abs(whole[i].value)),
              "{} (fields {}) is {} for 5 samples, and {} for the first 2 and the other 3 together; return sums, not means", whole[i].name, built.fields_text,
              whole[i].value, sum);
    }
  });
}

// ---- what a pass leaves behind, and what it waits for

void evaluation_leaves_no_trace(const Subject& subject) {
  for_each_field_set(subject, at::kFloat, subject.seed, [&](BuiltModel& built) {
    const at::NoGradGuard no_gradients;
    std::mt19937_64 random(subject.seed);
    const t2::Batch batch = random_batch(built, 4, random);
    const Bytes before = built.bytes();
    const auto states = random_states(built.device);
    built.forward(batch, t2::Mode::kEvaluate);
    const std::string name = first_difference(before, built.bytes());
    require(name.empty(), "evaluation (fields {}) changed \"{}\"", built.fields_text, name);
    const auto after = random_states(built.device);
    for (std::size_t i = 0; i < states.size(); ++i)
      require(bytes_of(states[i]) == bytes_of(after[i]), "evaluation (fields {}) drew random numbers", built.fields_text);
  });
}

void forward_does_not_wait(const Subject& subject) {
  for_each_field_set(subject, at::kFloat, subject.seed, [&](BuiltModel& built) {
    std::mt19937_64 random(subject.seed);
    const t2::Batch batch = random_batch(built, 4, random);
    built.forward(batch, t2::Mode::kTrain);  // what is made once may wait
    for (const t2::Mode mode : {t2::Mode::kTrain, t2::Mode::kEvaluate}) {
      const WaitWatch watch(built.device);
      built.forward(batch, mode);
      require(watch.seen().empty(), "forward (fields {}) called {}, which waits for the device; keep the value in a tensor", built.fields_text,
              watch.seen().front());
    }
  });
}

constexpr Question kModelQuestions[] = {
    {"model/stable_parameters", "Parameters and buffers have unique names in a stable order, on the device, without masters", "model", Scope::kPlugin,
     answer<parameters_are_stable>},
    {"model/same_seed_same_weights", "The seed alone decides the initial values", "model", Scope::kPlugin, answer<same_seed_same_weights>},
    {"model/values_follow", "Built with values_follow and given the values, the model is the same", "model", Scope::kPlugin, answer<values_may_follow>},
    {"model/output_is_sums", "forward returns single numbers on the device, the same metrics each time", "model", Scope::kPlugin, answer<output_is_sums>},
    {"model/gradients", "Gradients match finite differences in float64", "model", Scope::kPlugin, answer<gradients_match_differences>},
    {"model/cut_batch_same_sums", "A batch cut in two gives the same sums", "model", Scope::kPlugin, answer<cut_batch_same_sums>},
    {"model/no_host_waits", "forward does not wait for the device", "model", Scope::kPlugin, answer<forward_does_not_wait>},
    {"model/evaluation_leaves_no_trace", "Evaluation draws no random numbers and changes no parameter and no buffer", "model", Scope::kPlugin,
     answer<evaluation_leaves_no_trace>},
};

}  // namespace

std::span<const Question> model_questions() { return kModelQuestions; }

}  // namespace trainhost::conformance
