// A linear classifier: one layer from the field x to the classes of the field y.
//
// A model is a network and its loss. It returns the SUM of the loss over the targets that count, and their number: the host divides, over all micro-batches,
// so that any cut of a window gives the same gradient. Nothing in forward waits for the device: no item(), no copy to the CPU.
// Single headers of ATen cost 3 to 4 s of compile time, <torch/torch.h> 35 s.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/zeros.h>

#include <trainhost/torch/model.h>
#include <trainhost/plugin.hpp>

namespace {

namespace t2 = trainhost::t2;
using trainhost::PluginError;

// Of the data's description, or of a batch.
template <class Fields>
auto& field(const Fields& fields, std::string_view name) {
  for (auto& one : fields)
    if (one.name == name) return one;
  throw PluginError(TRAINHOST_INVALID_ARGUMENT, trainhost::format("the data has no field {}; map one to it under [model] fields", name));
}

class MyPlugin final : public t2::Model {
 public:
  // Weights depend on the seed alone: drawn on the CPU, a run begins alike on every device. Names are what checkpoints hold: keep them.
  void build(const t2::ModelFacts& facts) override {
    const trainhost::Field& y = field(facts.fields, "y");
    if (y.num_classes < 2) throw PluginError(TRAINHOST_INVALID_ARGUMENT, trainhost::format("field y has {} classes, wanted at least 2", y.num_classes));
    std::int64_t inputs = 1;
    for (const std::int64_t size : field(facts.fields, "x").shape) inputs *= size;
    if (inputs < 1) throw PluginError(TRAINHOST_INVALID_ARGUMENT, "field x varies in shape; wanted samples of one shape");
    ignored_ = std::llround(y.pad_value);

    const at::TensorOptions target = at::TensorOptions(facts.default_dtype).device(facts.device);
    at::Generator generator = at::detail::createCPUGenerator(facts.seed);
    const double bound = 1 / std::sqrt(static_cast<double>(inputs));
    const at::Tensor weight = at::empty({y.num_classes, inputs}).uniform_(-bound, bound, generator).to(target);
    parameters_.push_back({"weight", weight, /*master=*/{}, /*is_trainable=*/true, t2::kDecay});
    parameters_.push_back({"bias", at::zeros({y.num_classes}, target), /*master=*/{}, /*is_trainable=*/true, t2::kBias});
  }

  std::span<t2::Parameter> parameters() override { return parameters_; }
  std::span<t2::NamedTensor> buffers() override { return {}; }

  // Targets that equal the field's pad value do not count.
  t2::Output forward(const t2::Batch& batch, t2::Mode) override {
    const at::Tensor x = field(batch.fields, "x").tensor.flatten(1).to(parameters_[0].compute.scalar_type());
    const at::Tensor y = field(batch.fields, "y").tensor.flatten().to(at::kLong);
    const at::Tensor logits = at::linear(x, parameters_[0].compute, parameters_[1].compute);
    return {at::cross_entropy_loss(logits, y, /*weight=*/{}, at::Reduction::Sum, ignored_), y.ne(ignored_).sum(), {}};
  }

 private:
  std::vector<t2::Parameter> parameters_;
  std::int64_t ignored_ = -1;
};

}  // namespace

TRAINHOST_PLUGIN(MyPlugin, {
  .kind = "model",
  .name = "my_plugin",
  .version = "1.0.0",
  .summary = "a linear classifier of the field x",
})
