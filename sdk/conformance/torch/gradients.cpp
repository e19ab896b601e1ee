// Directional derivatives: for a parameter p and a random direction v, (L(p + hv) - L(p - hv)) / 2h must be the gradient's product with v. A wrong entry of
// the gradient shows in a random direction with certainty but for chance, at two passes a direction instead of two an entry.
#include "conformance/torch/gradients.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>

#include "conformance/torch/fields.h"

namespace trainhost::conformance {
namespace {

constexpr std::size_t kMostDirections = 24;

// How far a difference may be off: a share of itself, and what rounding of a float64 loss makes of it, times 1 + |L|.
constexpr double kSteps[] = {1e-5, 1e-6, 1e-7}, kRelative = 1e-5, kAbsolute = 1e-8;

// The loss as a function of the parameters alone: random numbers and buffers begin the same each time.
class Loss {
 public:
  Loss(const BuiltModel& built, t2::Batch batch) : built_(built), batch_(std::move(batch)), states_(random_states(built.device)) {
    for (const t2::NamedTensor& buffer : built.model->buffers()) buffers_.push_back(buffer.tensor.clone());
  }

  at::Tensor operator()() const {
    set_random_states(built_.device, states_);
    const at::NoGradGuard no_gradients;
    for (std::size_t i = 0; i < buffers_.size(); ++i) built_.model->buffers()[i].tensor.copy_(buffers_[i]);
    const at::AutoGradMode with_gradients(true);
    return built_.forward(batch_, t2::Mode::kTrain).loss_sum;
  }

 private:
  const BuiltModel& built_;
  t2::Batch batch_;
  std::vector<at::Tensor> states_, buffers_;
};

double difference(const Loss& loss, const at::Tensor& parameter, const at::Tensor& direction, double step) {
  const at::Tensor values = parameter.detach(), start = values.clone();
  values.copy_(start.add(direction, step));
  const double above = number_of(loss());
  values.copy_(start.sub(direction, step));
  const double below = number_of(loss());
  values.copy_(start);
  return (above - below) / (2 * step);
}

void check_parameter(const BuiltModel& built, const Loss& loss, const t2::Parameter& parameter, double loss_value, std::mt19937_64& random) {
  const at::Tensor direction = normal_numbers(parameter.compute.sizes(), random).to(parameter.compute.options().requires_grad(false));
  const at::Tensor gradient = parameter.compute.grad();
  const double claimed = gradient.defined() ? number_of(gradient.to(at::kDouble).mul(direction).sum()) : 0;
  double nearest = 0, error = INFINITY;
  const double rounding = kAbsolute * (1 + std::abs(loss_value));
  for (std::size_t i = 0; i < std::size(kSteps) && error > rounding; ++i) {
    const double got = difference(loss, parameter.compute, direction, kSteps[i]);
    const double excess = std::abs(got - claimed) - kRelative * std::max(std::abs(got), std::abs(claimed));
    if (excess < error) nearest = got, error = excess;
  }
  require(error <= rounding, "{} (fields {}): the gradient says that the loss changes by {} along a random direction, it changes by {}", parameter.name,
          built.fields_text, claimed, nearest);
}

// All of them where they are few, else the first, the last and some between.
std::vector<t2::Parameter*> chosen_parameters(const BuiltModel& built, std::mt19937_64& random) {
  std::vector<t2::Parameter*> chosen;
  for (t2::Parameter& parameter : built.model->parameters())
    if (parameter.is_trainable) chosen.push_back(&parameter);
  if (chosen.size() > 2) std::shuffle(chosen.begin() + 1, chosen.end() - 1, random);
  if (chosen.size() > kMostDirections) chosen.erase(chosen.begin() + kMostDirections - 1, chosen.end() - 1);
  return chosen;
}

void check_model(BuiltModel& built, std::mt19937_64& random) {
  const Loss loss(built, random_batch(built, 3, random));
  const at::Tensor value = loss();
  require_float64(built, value);
  require(value.requires_grad(), "loss_sum (fields {}) has no gradient", built.fields_text);
  calling("backward", [&] { value.backward(); });
  const at::NoGradGuard no_gradients;
  for (const t2::Parameter* parameter : chosen_parameters(built, random)) check_parameter(built, loss, *parameter, number_of(value), random);
}

}  // namespace

void gradients_match_differences(const Subject& subject) {
  for_each_field_set(subject, at::kDouble, subject.seed, [&](BuiltModel& built) {
    std::mt19937_64 random(subject.seed);
    check_model(built, random);
  });
}

}  // namespace trainhost::conformance
