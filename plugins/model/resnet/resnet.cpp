// The model plugin `resnet`: residual networks on images, for classes.
#include <ATen/ops/cross_entropy_loss.h>

#include <algorithm>
#include <cmath>

#include <trainhost/plugin.hpp>
#include <trainhost/torch/class_metrics.h>
#include <trainhost/torch/model.h>

#include "network.h"

namespace {

namespace t2 = trainhost::t2;
using trainhost::Field;
using trainhost::PluginError;

constexpr int64_t kMostConfused = 32;  // classes whose pairs are counted

struct Config {
  int64_t depth = 18;
  std::string stem = "large";
  bool confusion = false;
};

PluginError refuse(const std::string& words) { return {TRAINHOST_INVALID_ARGUMENT, "resnet: " + words}; }

const Field& find_field(std::span<const Field> fields, std::string_view name) {
  std::string names;
  for (const Field& field : fields) {
    if (field.name == name) return field;
    names += (names.empty() ? "" : ", ") + field.name;
  }
  throw refuse(trainhost::format("the data has no field \"{}\", only: {}; wanted are \"image\" and \"label\": map fields under [model] fields", name, names));
}

class Resnet final : public t2::Model {
 public:
  explicit Resnet(Config config) : config_(std::move(config)) {
    if (config_.depth != 18 && config_.depth != 34 && config_.depth != 50) throw refuse(trainhost::format("depth must be 18, 34 or 50, got {}", config_.depth));
  }

  void build(const t2::ModelFacts& facts) override {
    const Field& image = find_field(facts.fields, "image");
    const Field& label = find_field(facts.fields, "label");
    check(image);
    check(label);
    channels_ = image.shape[0];
    classes_ = label.num_classes;
    ignored_label_ = std::llround(label.pad_value);
    if (config_.confusion && classes_ > kMostConfused)
      throw refuse(trainhost::format("confusion counts pairs of at most {} classes, the data has {}; leave the key out", kMostConfused, classes_));
    network_.build({config_.depth, channels_, classes_, config_.stem == "small"}, facts.device, facts.default_dtype, facts.seed);
  }

  std::span<t2::Parameter> parameters() override { return network_.parameters(); }
  std::span<t2::NamedTensor> buffers() override { return network_.buffers(); }

  t2::Output forward(const t2::Batch& batch, t2::Mode mode) override {
    const at::Tensor& image = field(batch, "image");
    const at::Tensor& label = field(batch, "label");
    if (image.dim() != 4 || image.size(1) != channels_ || !image.is_floating_point())
      throw refuse(trainhost::format("a batch of images must be real numbers in samples x {} channels x height x width, got {} axes", channels_, image.dim()));
    if (label.dim() != 1 || label.size(0) != image.size(0)) throw refuse(trainhost::format("{} images have labels of {} axes; wanted one label each", image.size(0), label.dim()));
    const at::Tensor logits = network_.logits(image.to(network_.parameters().front().compute.scalar_type()), mode == t2::Mode::kTrain);
    return loss(logits, label.to(at::kLong), mode);
  }

 private:
  static const at::Tensor& field(const t2::Batch& batch, std::string_view name) {
    for (const t2::NamedTensor& one : batch.fields)
      if (one.name == name) return one.tensor;
    throw refuse(trainhost::format("a batch has no field \"{}\"", name));
  }

  static void check(const Field& field) {
    const bool is_image = field.name == "image", is_real = field.dtype.code == TRAINHOST_DTYPE_FLOAT || field.dtype.code == TRAINHOST_DTYPE_BFLOAT;
    const bool is_whole = field.dtype.code == TRAINHOST_DTYPE_INT || field.dtype.code == TRAINHOST_DTYPE_UINT;
    if (is_image && (!is_real || field.shape.size() != 3 || *std::min_element(field.shape.begin(), field.shape.end()) < 1))
      throw refuse(trainhost::format("field \"image\" must hold real numbers, channels x height x width, of one size; got {} axes{}", field.shape.size(), is_real ? "" : " of another number format"));
    if (!is_image && (!is_whole || !field.shape.empty() || field.num_classes < 2))
      throw refuse(trainhost::format("field \"label\" must hold one class a sample, of at least 2; got {} axes, {} classes", field.shape.size(), field.num_classes));
  }

  t2::Output loss(const at::Tensor& logits, const at::Tensor& classes, t2::Mode mode) const {
    const at::Tensor is_counted = classes.ne(ignored_label_);
    t2::Output output{at::cross_entropy_loss(logits, classes, /*weight=*/{}, at::Reduction::Sum, ignored_label_), is_counted.sum(), {}};
    t2::add_accuracy(output.metric_sums, logits, classes, is_counted);
    if (mode == t2::Mode::kTrain) return output;
    if (classes_ >= 5) t2::add_top5(output.metric_sums, logits, classes, is_counted);
    if (config_.confusion) t2::add_confusion(output.metric_sums, logits, classes, is_counted);
    return output;
  }

  Config config_;
  resnet::Network network_;
  int64_t channels_ = 0, classes_ = 0, ignored_label_ = -1;
};

}  // namespace

TRAINHOST_PLUGIN(Resnet, {
  .kind = "model",
  .name = "resnet",
  .version = "1.0.0",
  .summary = "residual network on fields image and label",
  .schema = trainhost::schema<Config>()
                .key("depth", &Config::depth, "layers with weights: 18, 34 or 50", trainhost::at_least(18), trainhost::at_most(50))
                .key("stem", &Config::stem, "large: 7 x 7, stride 2, then pooling; small: 3 x 3 without either, for images of some tens of pixels", trainhost::one_of("large", "small"))
                .key("confusion", &Config::confusion, "evaluations tell the share of each pair of true and likeliest class; up to 32 classes", trainhost::no_trajectory),
})
