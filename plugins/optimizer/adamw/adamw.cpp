// AdamW on ATen's fused kernel: one pass over weights, gradients and both moments, with the update's numbers read on the device.
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/zeros_like.h>

#include <trainhost/plugin.hpp>
#include <trainhost/torch/optimizer.h>

namespace {

namespace t2 = trainhost::t2;

struct Config {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.1;
};

// Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2019; the same arithmetic as torch.optim.AdamW(fused=True).
class AdamW final : public t2::Optimizer {
 public:
  explicit AdamW(Config config) : config_(config) {}

  double learning_rate() const override { return config_.learning_rate; }
  double weight_decay() const override { return config_.weight_decay; }

  void attach(std::span<t2::ParameterGroup> groups) override {
    for (t2::ParameterGroup& group : groups) {
      Members members{&group, {}, {}};
      for (const t2::Parameter* parameter : group.parameters) {
        members.averages.push_back(at::zeros_like(weight_of(*parameter)));
        members.squares.push_back(at::zeros_like(weight_of(*parameter)));
        state_.push_back({parameter->name + ".exp_avg", members.averages.back()});
        state_.push_back({parameter->name + ".exp_avg_sq", members.squares.back()});
      }
      members_.push_back(std::move(members));
    }
  }

  std::span<t2::NamedTensor> state() override { return state_; }

  // The bias correction takes the engine's count of updates, so there is no count of our own that a skipped window would have to put back.
  void step(const t2::StepInputs& inputs) override {
    const at::Tensor divisor = inputs.gradient_multiplier.reciprocal();  // the kernel divides gradients by it
    for (const Members& members : members_) step_group(members, inputs, divisor);
  }

 private:
  struct Members {
    t2::ParameterGroup* group;
    std::vector<at::Tensor> averages, squares;
  };

  static at::Tensor weight_of(const t2::Parameter& parameter) { return (parameter.master.defined() ? parameter.master : parameter.compute).detach(); }
  static at::Tensor gradient_of(const t2::Parameter& parameter) { return parameter.master.defined() ? parameter.master.grad() : parameter.compute.grad(); }

  // Parameters that no forward pass used have no gradient and stay as they are.
  void step_group(const Members& members, const t2::StepInputs& inputs, const at::Tensor& divisor) const {
    std::vector<at::Tensor> weights, gradients, averages, squares;
    for (size_t i = 0; i < members.averages.size(); ++i) {
      const t2::Parameter& parameter = *members.group->parameters[i];
      const at::Tensor gradient = gradient_of(parameter);
      if (!gradient.defined()) continue;
      weights.push_back(weight_of(parameter));
      gradients.push_back(gradient);
      averages.push_back(members.averages[i]);
      squares.push_back(members.squares[i]);
    }
    if (weights.empty()) return;
    const std::vector<at::Tensor> steps(weights.size(), inputs.step);
    const at::Tensor rate = members.group->rate_multiplier == 1.0 ? inputs.learning_rate : inputs.learning_rate.mul(members.group->rate_multiplier);
    at::_fused_adamw_(weights, gradients, averages, squares, /*max_exp_avg_sqs=*/{}, steps, rate, config_.beta1, config_.beta2,
                      members.group->weight_decay, config_.epsilon, /*amsgrad=*/false, /*maximize=*/false, divisor, inputs.found_non_finite);
  }

  Config config_;
  std::vector<Members> members_;
  std::vector<t2::NamedTensor> state_;
};

}  // namespace

TRAINHOST_PLUGIN(AdamW, {
  .kind = "optimizer",
  .name = "adamw",
  .version = "1.0.0",
  .summary = "AdamW on the fused ATen kernel",
  .schema = trainhost::schema<Config>()
                .key("learning_rate", &Config::learning_rate, "base learning rate; the schedule multiplies it", trainhost::greater_than(0))
                .key("beta1", &Config::beta1, "decay of the mean of gradients", trainhost::at_least(0), trainhost::less_than(1))
                .key("beta2", &Config::beta2, "decay of the mean of squared gradients", trainhost::at_least(0), trainhost::less_than(1))
                .key("epsilon", &Config::epsilon, "added to the root of the mean of squares", trainhost::greater_than(0))
                .key("weight_decay", &Config::weight_decay, "decoupled weight decay of matrices; norms and biases have none", trainhost::at_least(0)),
})
