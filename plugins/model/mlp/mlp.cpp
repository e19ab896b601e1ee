// The model plugin `mlp`: fully connected layers on rows of numbers, for classes or for values.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/scalar_tensor.h>

#include <algorithm>
#include <cmath>

#include <trainhost/plugin.hpp>
#include <trainhost/torch/class_metrics.h>
#include <trainhost/torch/model.h>

namespace {

namespace t2 = trainhost::t2;
using trainhost::Field;
using trainhost::PluginError;

struct Config {
  std::vector<int64_t> widths = {128, 128};
  bool confusion = false;
};

constexpr int64_t kMostConfused = 32;  // classes whose pairs are counted

PluginError refuse(const std::string& words) { return {TRAINHOST_INVALID_ARGUMENT, "mlp: " + words}; }

const Field& find_field(std::span<const Field> fields, std::string_view name) {
  for (const Field& field : fields)
    if (field.name == name) return field;
  throw refuse(trainhost::format("the data has no field \"{}\"; wanted are \"x\" (numbers) and \"y\" (a class or values): map fields under [model] fields", name));
}

// Numbers of one sample of the field.
int64_t size_of(const Field& field) {
  int64_t size = 1;
  for (const int64_t axis : field.shape) {
    if (axis < 0) throw refuse(trainhost::format("field \"{}\" has samples of varying shape; all must have one shape", field.name));
    size *= axis;
  }
  return size;
}

class Mlp final : public t2::Model {
 public:
  explicit Mlp(Config config) : config_(std::move(config)) {}

  void build(const t2::ModelFacts& facts) override {
    const Field& x = find_field(facts.fields, "x");
    const Field& y = find_field(facts.fields, "y");
    is_classifier_ = y.dtype.code == TRAINHOST_DTYPE_INT || y.dtype.code == TRAINHOST_DTYPE_UINT;
    if (is_classifier_ && y.num_classes < 2) throw refuse(trainhost::format("field \"y\" holds classes, but the data says there are {}; wanted at least 2", y.num_classes));
    if (config_.confusion && (!is_classifier_ || y.num_classes > kMostConfused))
      throw refuse(trainhost::format("confusion counts pairs of classes, of at most {}; field \"y\" holds {}; leave the key out", kMostConfused,
                                     is_classifier_ ? trainhost::format("{} classes", y.num_classes) : "values"));
    ignored_target_ = is_classifier_ ? std::llround(y.pad_value) : 0;
    at::Generator generator = at::detail::createCPUGenerator(facts.seed);
    int64_t inputs = size_of(x);
    if (inputs < 1) throw refuse("field \"x\" has samples without numbers; wanted at least one");
    for (const int64_t width : config_.widths) inputs = add_layer(inputs, width, facts, generator);
    add_layer(inputs, is_classifier_ ? y.num_classes : size_of(y), facts, generator);
  }

  std::span<t2::Parameter> parameters() override { return parameters_; }
  std::span<t2::NamedTensor> buffers() override { return {}; }

  t2::Output forward(const t2::Batch& batch, t2::Mode mode) override {
    const at::Tensor outputs = outputs_of(field(batch, "x").to(parameters_[0].compute.scalar_type()).flatten(1));
    const at::Tensor& y = field(batch, "y");
    return is_classifier_ ? class_loss(outputs, y.to(at::kLong).flatten(), mode) : value_loss(outputs, y.reshape(outputs.sizes()));
  }

 private:
  static const at::Tensor& field(const t2::Batch& batch, std::string_view name) {
    for (const t2::NamedTensor& one : batch.fields)
      if (one.name == name) return one.tensor;
    throw refuse(trainhost::format("a batch has no field \"{}\"", name));
  }

  // Uniform within 1 / sqrt(inputs), as torch.nn.Linear.
  int64_t add_layer(int64_t inputs, int64_t outputs, const t2::ModelFacts& facts, at::Generator& generator) {
    const std::string name = trainhost::format("layers.{}", parameters_.size() / 2);
    const double bound = 1.0 / std::sqrt(static_cast<double>(inputs));
    const at::TensorOptions target = at::TensorOptions(facts.default_dtype).device(facts.device);
    const auto draw = [&](at::IntArrayRef sizes) {
      if (facts.values_follow) return at::empty(sizes, target);
      return at::empty(sizes, at::TensorOptions(at::kFloat)).uniform_(-bound, bound, generator).to(target);
    };
    parameters_.push_back({name + ".weight", draw({outputs, inputs}), {}, true, t2::kDecay});
    parameters_.push_back({name + ".bias", draw({outputs}), {}, true, t2::kBias});
    return outputs;
  }

  at::Tensor outputs_of(at::Tensor x) const {
    for (size_t i = 0; i < parameters_.size(); i += 2) {
      x = at::linear(x, parameters_[i].compute, parameters_[i + 1].compute);
      if (i + 2 < parameters_.size()) x = at::relu(x);
    }
    return x;
  }

  t2::Output class_loss(const at::Tensor& logits, const at::Tensor& classes, t2::Mode mode) const {
    const at::Tensor is_counted = classes.ne(ignored_target_);
    t2::Output output{at::cross_entropy_loss(logits, classes, /*weight=*/{}, at::Reduction::Sum, ignored_target_), is_counted.sum(), {}};
    t2::add_accuracy(output.metric_sums, logits, classes, is_counted);
    if (mode == t2::Mode::kTrain) return output;
    if (logits.size(1) >= 5) t2::add_top5(output.metric_sums, logits, classes, is_counted);
    if (config_.confusion) t2::add_confusion(output.metric_sums, logits, classes, is_counted);
    return output;
  }

  // Its mean over all values is the mean squared error. Summed in float32 at least, whatever the layers compute in.
  static t2::Output value_loss(const at::Tensor& outputs, const at::Tensor& values) {
    const at::Tensor count = at::scalar_tensor(static_cast<double>(values.numel()), at::TensorOptions(at::kFloat).device(outputs.device()));
    const at::ScalarType wide = c10::promoteTypes(outputs.scalar_type(), at::kFloat);
    const at::Tensor got = outputs.to(wide), wanted = values.to(wide);
    return {at::mse_loss(got, wanted, at::Reduction::Sum), count, {{"absolute_error", got.detach().sub(wanted).abs_().sum()}}};
  }

  Config config_;
  std::vector<t2::Parameter> parameters_;
  bool is_classifier_ = false;
  int64_t ignored_target_ = 0;
};

}  // namespace

TRAINHOST_PLUGIN(Mlp, {
  .kind = "model",
  .name = "mlp",
  .version = "1.0.0",
  .summary = "fully connected network on fields x and y; classes or values",
  .schema = trainhost::schema<Config>()
                .key("widths", &Config::widths, "outputs of each hidden layer; empty: a linear model", trainhost::at_least(1))
                .key("confusion", &Config::confusion, "evaluations tell the share of each pair of true and likeliest class; up to 32 classes", trainhost::no_trajectory),
})
