// The model plugin `gpt`: a GPT-2 style language model over whatever tokens the data has; bytes, for example.
#include <ATen/ops/cross_entropy_loss.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include <trainhost/plugin.hpp>
#include <trainhost/torch/model.h>

#include "network.h"

namespace {

namespace t2 = trainhost::t2;
using trainhost::Field;
using trainhost::PluginError;

struct Config {
  int64_t layers = 4;
  int64_t heads = 4;
  int64_t width = 128;
  std::optional<int64_t> context_length;
  std::optional<int64_t> vocabulary;
  double dropout = 0.0;
};

PluginError refuse(const std::string& words) { return {TRAINHOST_INVALID_ARGUMENT, "gpt: " + words}; }

bool is_integer(const Field& field) { return field.dtype.code == TRAINHOST_DTYPE_INT || field.dtype.code == TRAINHOST_DTYPE_UINT; }

const Field& find_field(std::span<const Field> fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const Field& field) { return field.name == name; });
  if (found == fields.end()) {
    std::string names;
    for (const Field& field : fields) names += (names.empty() ? "" : ", ") + field.name;
    throw refuse(trainhost::format("the data has no field \"{}\", only: {}; choose another source, or map its fields under [model] fields", name, names));
  }
  if (!is_integer(*found) || found->shape.size() != 1)
    throw refuse(trainhost::format("field \"{}\" must hold one row of integers a sample, got {} axes{}", name, found->shape.size(),
                                   is_integer(*found) ? "" : " of another number format"));
  return *found;
}

class Gpt final : public t2::Model, public t2::TextModel {
 public:
  explicit Gpt(Config config) : config_(config) {
    if (config_.width % config_.heads != 0)
      throw refuse(trainhost::format("width {} must be a multiple of heads {}", config_.width, config_.heads));
  }

  void build(const t2::ModelFacts& facts) override {
    const Field& tokens = find_field(facts.fields, "tokens");
    const Field& targets = find_field(facts.fields, "targets");
    ignored_target_ = std::llround(targets.pad_value);
    network_.build({config_.layers, config_.heads, config_.width, context_length(tokens), vocabulary(tokens, targets), config_.dropout}, facts.device,
                   facts.default_dtype, facts.values_follow ? std::nullopt : std::optional(facts.seed));
  }

  std::span<t2::Parameter> parameters() override { return network_.parameters(); }
  std::span<t2::NamedTensor> buffers() override { return {}; }

  t2::Output forward(const t2::Batch& batch, t2::Mode mode) override {
    const at::Tensor& tokens = field(batch, "tokens");
    const at::Tensor targets = field(batch, "targets").to(at::kLong).flatten();
    if (tokens.dim() != 2) throw refuse(trainhost::format("a batch of tokens has {} axes; wanted two, samples and positions", tokens.dim()));
    check_length(tokens.size(1));
    const at::Tensor logits = network_.logits(network_.hidden(tokens, mode == t2::Mode::kTrain)).flatten(0, 1);
    return {at::cross_entropy_loss(logits, targets, /*weight=*/{}, at::Reduction::Sum, ignored_target_), targets.ne(ignored_target_).sum(), {}};
  }

  at::Tensor next_logits(const at::Tensor& tokens) override {
    const int64_t length = std::min(tokens.size(1), network_.shape().context_length);
    const at::Tensor hidden = network_.hidden(tokens.narrow(1, tokens.size(1) - length, length), /*is_training=*/false);
    return network_.logits(hidden.select(1, length - 1)).to(at::kFloat);
  }

 private:
  static const at::Tensor& field(const t2::Batch& batch, std::string_view name) {
    for (const t2::NamedTensor& one : batch.fields)
      if (one.name == name) return one.tensor;
    throw refuse(trainhost::format("a batch has no field \"{}\"", name));
  }

  int64_t context_length(const Field& tokens) const {
    const int64_t longest = tokens.shape[0] >= 0 ? tokens.shape[0] : tokens.max_shape.empty() ? -1 : tokens.max_shape[0];
    if (!config_.context_length && longest < 1) throw refuse("samples have no longest length; set gpt.context_length");
    if (config_.context_length && longest > *config_.context_length)
      throw refuse(trainhost::format("context_length is {}, but samples have up to {} tokens; raise gpt.context_length or shorten the samples",
                                     *config_.context_length, longest));
    return config_.context_length.value_or(longest);
  }

  int64_t vocabulary(const Field& tokens, const Field& targets) const {
    const int64_t classes = std::max(tokens.num_classes, targets.num_classes);
    if (!config_.vocabulary && classes < 1) throw refuse("the data does not say how many tokens there are; set gpt.vocabulary");
    if (config_.vocabulary && *config_.vocabulary < classes)
      throw refuse(trainhost::format("vocabulary is {}, but the data has {} tokens; raise gpt.vocabulary or leave it out", *config_.vocabulary, classes));
    return config_.vocabulary.value_or(classes);
  }

  void check_length(int64_t length) const {
    if (length > network_.shape().context_length)
      throw refuse(trainhost::format("a sample has {} tokens, context_length is {}; raise gpt.context_length or shorten the samples", length,
                                     network_.shape().context_length));
  }

  Config config_;
  gpt::Network network_;
  int64_t ignored_target_ = -1;
};

}  // namespace

TRAINHOST_PLUGIN(Gpt, {
  .kind = "model",
  .name = "gpt",
  .version = "1.0.0",
  .summary = "GPT-2 style language model on fields tokens and targets",
  .schema = trainhost::schema<Config>()
                .key("layers", &Config::layers, "transformer blocks", trainhost::at_least(1))
                .key("heads", &Config::heads, "attention heads; they divide width", trainhost::at_least(1))
                .key("width", &Config::width, "channels of the residual stream", trainhost::at_least(1))
                .key("context_length", &Config::context_length, "most tokens that the model looks back; left out: the length of a sample", trainhost::at_least(1))
                .key("vocabulary", &Config::vocabulary, "number of tokens; left out: as the data says", trainhost::at_least(2))
                .key("dropout", &Config::dropout, "share of activations that are dropped in training", trainhost::at_least(0), trainhost::less_than(1)),
})
