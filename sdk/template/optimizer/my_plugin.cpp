// Gradient descent with momentum.
//
// An optimizer updates the masters from their gradients. Everything that changes from step to step is a tensor on the device and is used there: the learning
// rate, the multiplier that unscales, averages and clips, and the verdict whether the window is applied at all. So no step waits for the CPU.
#include <ATen/TensorOperators.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <trainhost/torch/optimizer.h>
#include <trainhost/plugin.hpp>

namespace {

namespace t2 = trainhost::t2;

struct Config {
  double learning_rate = 1e-2, momentum = 0.9, weight_decay = 0;
};

class MyPlugin final : public t2::Optimizer {
 public:
  explicit MyPlugin(Config config) : config_(config) {}

  double learning_rate() const override { return config_.learning_rate; }
  double weight_decay() const override { return config_.weight_decay; }

  // One slot a parameter, zero at first. A checkpoint holds slots under these names and is loaded into these very tensors.
  void attach(std::span<t2::ParameterGroup> groups) override {
    for (t2::ParameterGroup& group : groups)
      for (t2::Parameter* parameter : group.parameters) {
        members_.push_back({&group, parameter, at::zeros_like(weight_of(*parameter))});
        state_.push_back({parameter->name + ".velocity", members_.back().velocity});
      }
  }

  std::span<t2::NamedTensor> state() override { return state_; }

  // A skipped window leaves every byte as it was, also where the gradients are no numbers: where() picks, it does not multiply.
  void step(const t2::StepInputs& inputs) override {
    const at::Tensor is_applied = inputs.found_non_finite.eq(0);
    for (const Member& member : members_) {
      const at::Tensor weight = weight_of(*member.parameter), gradient = gradient_of(*member.parameter);
      if (!gradient.defined()) continue;  // no forward pass used it
      const at::Tensor slope = gradient * inputs.gradient_multiplier + weight * member.group->weight_decay;
      const at::Tensor velocity = member.velocity * config_.momentum + slope;
      const at::Tensor moved = weight - velocity * (inputs.learning_rate * member.group->rate_multiplier);
      member.velocity.copy_(at::where(is_applied, velocity, member.velocity));
      weight.copy_(at::where(is_applied, moved, weight));
    }
  }

 private:
  struct Member {
    const t2::ParameterGroup* group;
    const t2::Parameter* parameter;
    at::Tensor velocity;
  };

  // Where a precision policy wants copies of low precision, the master is updated; the engine casts afterwards.
  static const at::Tensor& owner(const t2::Parameter& parameter) { return parameter.master.defined() ? parameter.master : parameter.compute; }
  static at::Tensor weight_of(const t2::Parameter& parameter) { return owner(parameter).detach(); }
  static at::Tensor gradient_of(const t2::Parameter& parameter) { return owner(parameter).grad(); }

  Config config_;
  std::vector<Member> members_;
  std::vector<t2::NamedTensor> state_;
};

}  // namespace

TRAINHOST_PLUGIN(MyPlugin, {
  .kind = "optimizer",
  .name = "my_plugin",
  .version = "1.0.0",
  .summary = "gradient descent with momentum",
  .schema = trainhost::schema<Config>()
                .key("learning_rate", &Config::learning_rate, "base learning rate; the schedule multiplies it", trainhost::greater_than(0))
                .key("momentum", &Config::momentum, "share of the velocity that is kept", trainhost::at_least(0), trainhost::less_than(1))
                .key("weight_decay", &Config::weight_decay, "pull of matrices towards 0; norms and biases have none", trainhost::at_least(0)),
})
