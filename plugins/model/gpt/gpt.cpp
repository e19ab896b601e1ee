// The model plugin `gpt`: a GPT-2 style language model over whatever tokens the data has; bytes, for example.
#include <ATen/ops/cross_entropy_loss.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include <trainhost/plugin.hpp>
#include <trainhost/torch/class_metrics.h>
#include <trainhost/torch/model.h>

#include "hugging_face.h"
#include "network.h"

namespace {

namespace t2 = trainhost::t2;
using trainhost::Field;
using gpt::refuse;
using trainhost::PluginError;

struct Config {
  std::optional<std::string> config;
  std::optional<int64_t> layers;
  std::optional<int64_t> heads;
  std::optional<int64_t> width;
  std::optional<int64_t> context_length;
  std::optional<int64_t> vocabulary;
  std::optional<double> dropout;
};

// The keys, filled up by what a config.json says, then by defaults. A key beside the file must say the same as that.
Config complete(Config keys) {
  if (keys.config) {
    const gpt::Shape shape = gpt::read_config(*keys.config);
    const auto agree = [&](const char* name, auto& key, auto theirs, const char* foreign) {
      if (key && *key != theirs)
        throw refuse(trainhost::format("{} is {}, but {} says {}: {}; remove the key, or change a copy of the file", name, *key, *keys.config, foreign, theirs));
      key = theirs;
    };
    agree("layers", keys.layers, shape.layers, "n_layer");
    agree("heads", keys.heads, shape.heads, "n_head");
    agree("width", keys.width, shape.width, "n_embd");
    agree("context_length", keys.context_length, shape.context_length, "n_positions");
    agree("vocabulary", keys.vocabulary, shape.vocabulary, "vocab_size");
    agree("dropout", keys.dropout, shape.dropout, "resid_pdrop");
  }
  keys.layers = keys.layers.value_or(4);
  keys.heads = keys.heads.value_or(4);
  keys.width = keys.width.value_or(128);
  keys.dropout = keys.dropout.value_or(0.0);
  if (*keys.width % *keys.heads != 0) throw refuse(trainhost::format("width {} must be a multiple of heads {}", *keys.width, *keys.heads));
  return keys;
}

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

class Gpt final : public t2::Model, public t2::TextModel, public t2::HuggingFace, public t2::Recomputable, public t2::CaptureAware, public t2::ValueLimits {
 public:
  explicit Gpt(Config config) : config_(complete(std::move(config))) {}

  void build(const t2::ModelFacts& facts) override {
    const Field& tokens = find_field(facts.fields, "tokens");
    const Field& targets = find_field(facts.fields, "targets");
    ignored_target_ = std::llround(targets.pad_value);
    network_.build({*config_.layers, *config_.heads, *config_.width, context_length(tokens), vocabulary(tokens, targets), *config_.dropout}, facts.device,
                   facts.default_dtype, facts.values_follow ? std::nullopt : std::optional(facts.seed));
  }

  void recompute_blocks() override { network_.recompute_blocks(); }
  void capture_begin() override {
    if (network_.recomputes() && network_.shape().dropout > 0) throw refuse("blocks with dropout that are computed again draw anew in a recording; set dropout to 0, or model.recompute to \"none\"");
  }
  void capture_end() override {}

  std::vector<t2::ValueLimit> value_limits() const override {
    return {{"tokens", network_.shape().vocabulary}, {"targets", network_.shape().vocabulary, /*takes_pad_value=*/true}};
  }

  std::span<t2::Parameter> parameters() override { return network_.parameters(); }
  std::span<t2::NamedTensor> buffers() override { return {}; }

  t2::Output forward(const t2::Batch& batch, t2::Mode mode) override {
    const at::Tensor& tokens = field(batch, "tokens");
    const at::Tensor targets = field(batch, "targets").to(at::kLong).flatten();
    if (tokens.dim() != 2) throw refuse(trainhost::format("a batch of tokens has {} axes; wanted two, samples and positions", tokens.dim()));
    check_length(tokens.size(1));
    const at::Tensor logits = network_.logits(network_.hidden(tokens, mode == t2::Mode::kTrain)).flatten(0, 1);
    const at::Tensor is_counted = targets.ne(ignored_target_);
    t2::Output output{at::cross_entropy_loss(logits, targets, /*weight=*/{}, at::Reduction::Sum, ignored_target_), is_counted.sum(), {}};
    if (mode == t2::Mode::kEvaluate) t2::add_accuracy(output.metric_sums, logits, targets, is_counted);  // one more pass over all logits
    return output;
  }

  at::Tensor next_logits(const at::Tensor& tokens) override {
    const int64_t length = std::min(tokens.size(1), network_.shape().context_length);
    const at::Tensor hidden = network_.hidden(tokens.narrow(1, tokens.size(1) - length, length), /*is_training=*/false);
    return network_.logits(hidden.select(1, length - 1)).to(at::kFloat);
  }

  t2::HuggingFaceLayout hugging_face() const override {
    return {gpt::config_text(network_.shape()), "transformer.", "", gpt::foreign_names(network_.parameters())};
  }

  // Sizes show in the shapes of tensors, but for the number of heads.
  void require_same_network(const std::string& config_json, const std::string& place) const override {
    const int64_t heads = gpt::parse_config(config_json, place).heads;
    if (heads != network_.shape().heads)
      throw refuse(trainhost::format("{}: n_head is {}, this model has {} heads; set gpt.heads, or gpt.config to that file", place, heads, network_.shape().heads));
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
                .key("config", &Config::config, "config.json of a Hugging Face GPT-2, or its folder, as seen from the working folder: all sizes and the dropout", trainhost::no_trajectory)
                .key("layers", &Config::layers, "transformer blocks; left out: 4", trainhost::at_least(1))
                .key("heads", &Config::heads, "attention heads, which divide width; left out: 4", trainhost::at_least(1))
                .key("width", &Config::width, "channels of the residual stream; left out: 128", trainhost::at_least(1))
                .key("context_length", &Config::context_length, "most tokens that the model looks back; left out: the length of a sample", trainhost::at_least(1))
                .key("vocabulary", &Config::vocabulary, "number of tokens; left out: as the data says", trainhost::at_least(2))
                .key("dropout", &Config::dropout, "share of activations that are dropped in training; left out: 0", trainhost::at_least(0), trainhost::less_than(1)),
})
