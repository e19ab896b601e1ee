// An optimizer over parameters of its own, which is given gradients and steps.
#pragma once

#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>

#include "conformance/torch/torch_subject.h"
#include "trainhost/torch/optimizer.h"

namespace trainhost::conformance {

// The numbers of one update, as floats.
struct Numbers {
  double rate = 0.01, multiplier = 1;
  bool is_skipped = false;
};

inline t2::StepInputs step_inputs(const Numbers& numbers, std::uint64_t step, at::Device device) {
  const auto scalar = [&](double value) { return at::full({}, value, at::TensorOptions(at::kFloat).device(device)); };
  return {scalar(numbers.rate), scalar(numbers.multiplier), scalar(numbers.is_skipped), scalar(static_cast<double>(step))};
}

// A matrix in a group of its own, beside it a bias, and a matrix that the model sees in bfloat16.
class Bench {
 public:
  explicit Bench(const Subject& subject, double rate_multiplier = 2) : plugin_(subject), device_(device_of(subject)), random_(subject.seed) {
    add("weight", {4, 6}, t2::kDecay);
    add("bias", {5}, t2::kBias);
    add("low", {3, 4}, t2::kDecay);
    parameters_[2].master = parameters_[2].compute;
    parameters_[2].compute = parameters_[2].master.to(at::kBFloat16);
    plugin_.begin();
    optimizer_ = &object_of<t2::Optimizer>(plugin_);
    groups_ = {{{&parameters_[0]}, rate_multiplier, 0.1}, {{&parameters_[1], &parameters_[2]}, 1.0, 0.0}};
    calling("optimizer.attach", [&] { optimizer_->attach(groups_); });
  }

  t2::Optimizer& optimizer() { return *optimizer_; }
  at::Device device() const { return device_; }
  const std::vector<t2::Parameter>& parameters() const { return parameters_; }
  const at::Tensor& master(std::size_t index) const { return parameters_[index].master.defined() ? parameters_[index].master : parameters_[index].compute; }

  // Gradients that depend on `seed` alone, times `scale`.
  void draw_gradients(std::uint64_t seed, double scale = 1) {
    std::mt19937_64 random(seed);
    for (std::size_t i = 0; i < parameters_.size(); ++i)
      master(i).mutable_grad() = normal_numbers(master(i).sizes(), random).mul(scale).to(master(i).options());
  }

  void step(const Numbers& numbers = {}) {
    const t2::StepInputs inputs = step_inputs(numbers, num_applied_ + 1, device_);
    const at::NoGradGuard no_gradients;
    calling("optimizer.step", [&] { optimizer_->step(inputs); });
    if (!numbers.is_skipped) ++num_applied_;
  }
  // `count` updates with gradients of their own.
  void train(int count) {
    for (int i = 0; i < count; ++i) {
      draw_gradients(1000 + num_applied_);
      step();
    }
  }

  Bytes masters() {
    Bytes out;
    for (std::size_t i = 0; i < parameters_.size(); ++i) out.emplace_back(parameters_[i].name, bytes_of(master(i)));
    return out;
  }
  Bytes bytes() {
    Bytes out = masters();
    const Bytes slots = bytes_of(optimizer_->state());
    out.insert(out.end(), slots.begin(), slots.end());
    return out;
  }

  // As a resume does it: into the very tensors.
  void load(Bench& saved) {
    for (std::size_t i = 0; i < parameters_.size(); ++i) master(i).copy_(saved.master(i));
    const auto from = saved.optimizer().state(), to = optimizer_->state();
    require(from.size() == to.size(), "a second instance has {} slots, the first has {}", to.size(), from.size());
    for (std::size_t i = 0; i < to.size(); ++i) to[i].tensor.copy_(from[i].tensor);
    num_applied_ = saved.num_applied_;
  }

 private:
  void add(const char* name, std::vector<std::int64_t> sizes, std::uint32_t tags) {
    parameters_.push_back({name, normal_numbers(sizes, random_).to(at::TensorOptions(at::kFloat).device(device_)), {}, true, tags});
  }

  Specimen plugin_;
  at::Device device_;
  std::mt19937_64 random_;
  std::vector<t2::Parameter> parameters_;
  std::vector<t2::ParameterGroup> groups_;
  t2::Optimizer* optimizer_ = nullptr;
  std::uint64_t num_applied_ = 0;
};

inline bool is_finite(const at::Tensor& tensor) { return !tensor.is_floating_point() || number_of(tensor.to(at::kFloat).isfinite().all()) == 1; }

}  // namespace trainhost::conformance
