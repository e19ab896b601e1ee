// data_source/synthetic: seeded, learnable samples that need no files; for tests, benches and first steps.
#include <trainhost/draft/sample_identity.hpp>
#include <trainhost/plugin.hpp>

#include <algorithm>
#include <optional>

#include "fields_task.h"
#include "tasks.h"

namespace {

using namespace trainhost;

constexpr std::string_view kVersion = "1.0.0";  // another one when the same input gives other samples

struct Config {
  std::string task = "tokens";
  std::uint64_t seed = 0, samples = 10000, first_id = 0, block_samples = 0;
  double noise = 0.1;
  std::uint64_t vocabulary = 256, context_length = 64, min_length = 0;
  std::uint64_t features = 16, classes = 10, outputs = 1;
  std::vector<std::string> fields;
  std::string write_to;
};

constexpr auto kSchema =
    schema<Config>()
        .key("task", &Config::task, "tokens (tokens, targets), classes (x, y), regression (x, y), or fields (those of `fields`, random)",
             one_of("tokens", "classes", "regression", "fields"))
        .key("seed", &Config::seed, "of the rule to learn and of the samples")
        .key("samples", &Config::samples, "number of samples", at_least(1), at_most(4294967296))
        .key("first_id", &Config::first_id, "number of the first sample: sets with other ranges share the rule, not the samples", at_most(4294967296))
        .key("block_samples", &Config::block_samples, "samples of a block; 0 = one block")
        .key("noise", &Config::noise, "tokens: share of tokens that follow no rule; else: deviation of what is added to the scores", at_least(0), at_most(1))
        .key("vocabulary", &Config::vocabulary, "tokens: number of different tokens", at_least(2), at_most(1048576))
        .key("context_length", &Config::context_length, "tokens: tokens of the longest sample", at_least(1), at_most(1048576))
        .key("min_length", &Config::min_length, "tokens: tokens of the shortest sample; 0 = all have context_length")
        .key("features", &Config::features, "classes, regression: elements of x", at_least(1), at_most(65536))
        .key("classes", &Config::classes, "classes: number of classes", at_least(2), at_most(65536))
        .key("outputs", &Config::outputs, "regression: elements of y", at_least(1), at_most(65536))
        .key("fields", &Config::fields, "fields: one text each, as `trainhost model info` shows them: \"image float32 [3, 32, 32]\"", list_or_one)
        .key("write_to", &Config::write_to, "fields: a safetensors file that gets all samples, in the order of their ids; empty = none", no_trajectory);

class Synthetic final : public IdentifiedSource, public DataLengths {
 public:
  explicit Synthetic(Config config) : config_(std::move(config)) {
    if (config_.min_length > config_.context_length) {
      throw PluginError(TRAINHOST_INVALID_ARGUMENT,
                        format("min_length must be at most context_length, got {} and {}", config_.min_length, config_.context_length));
    }
    if (config_.task != "fields" && !(config_.fields.empty() && config_.write_to.empty()))
      throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("fields and write_to belong to the task \"fields\", got the task \"{}\"", config_.task));
    if (config_.task == "fields") fields_.emplace(config_.seed, parsed_fields());
  }

  void start() override {
    if (config_.task == "tokens")
      tokens_.emplace(config_.seed, config_.vocabulary, config_.noise);
    else if (!fields_)
      linear_.emplace(config_.seed, config_.features, config_.task == "classes" ? config_.classes : config_.outputs, config_.noise);
    info_.fields = fields_ ? fields_->fields() : config_.task == "tokens" ? token_fields() : linear_fields();
    info_.num_samples = config_.samples;
    for (std::uint64_t start = 0; config_.block_samples > 0 && start < config_.samples; start += config_.block_samples) info_.block_starts.push_back(start);
    info_.fingerprint = hash_of_config("synthetic/1");
    facts_ = {false, hash_of_config(format("synthetic {}", kVersion)), format("synthetic {}: {} samples of the task \"{}\"", kVersion, config_.samples, config_.task)};
    if (!config_.write_to.empty()) fields_->write(config_.write_to, config_.first_id, config_.samples);
  }

  const SourceInfo& info() override { return info_; }
  SampleFacts sample_facts() override { return facts_; }

  void read(std::span<const std::uint64_t> ids, std::span<const std::uint64_t>, BatchWriter& out) override {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      host().throw_if_cancelled();
      const std::uint64_t id = config_.first_id + ids[i];
      if (fields_)
        read_fields(id, i, out);
      else if (tokens_)
        read_tokens(id, i, out);
      else
        read_linear(id, i, out);
    }
  }

  void lengths(std::span<const std::uint64_t> ids, std::span<std::uint64_t> out) override {
    const std::uint64_t fixed = fields_ ? targets_of_fields() : config_.task == "regression" ? config_.outputs : 1;
    for (std::size_t i = 0; i < ids.size(); ++i) out[i] = tokens_ ? length_of(config_.first_id + ids[i]) : fixed;
  }

 private:
  std::vector<Field> parsed_fields() const {
    std::vector<Field> fields;
    for (const std::string& text : config_.fields) {
      fields.push_back(parse_field(text));
      for (size_t i = 0; i + 1 < fields.size(); ++i)
        if (fields[i].name == fields.back().name) throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("fields: \"{}\" is there twice", fields[i].name));
    }
    if (fields.empty()) throw PluginError(TRAINHOST_INVALID_ARGUMENT, "fields: empty; the task \"fields\" needs one text for each field, as `trainhost model info` shows them");
    return fields;
  }

  void read_fields(std::uint64_t id, std::size_t index, BatchWriter& out) const {
    for (std::size_t field = 0; field < fields_->fields().size(); ++field)
      fields_->fill(id, field, static_cast<std::byte*>(out.reserve(index, static_cast<std::uint32_t>(field), fields_->fields()[field].shape).data));
  }

  std::uint64_t targets_of_fields() const {
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < fields_->fields().size(); ++i)
      if (const Field& field = fields_->fields()[i]; field.role == TRAINHOST_FIELD_TARGET) count += fields_->bytes_of(i) * 8 / field.dtype.bits;
    return std::max<std::uint64_t>(count, 1);
  }

  bool has_varying_length() const { return config_.min_length > 0; }

  // Varying lengths pad targets with -1, which bytes cannot hold.
  trainhost_dtype token_dtype() const { return config_.vocabulary <= 256 && !has_varying_length() ? kUInt8 : kInt32; }

  std::vector<Field> token_fields() const {
    const auto most = static_cast<std::int64_t>(config_.context_length), classes = static_cast<std::int64_t>(config_.vocabulary);
    const std::int64_t length = has_varying_length() ? -1 : most;
    return {{"tokens", TRAINHOST_FIELD_INPUT, token_dtype(), {length}, {most}, classes, has_varying_length() ? 0.0 : -1.0},
            {"targets", TRAINHOST_FIELD_TARGET, token_dtype(), {length}, {most}, classes, -1}};
  }

  std::vector<Field> linear_fields() const {
    const Field x{"x", TRAINHOST_FIELD_INPUT, kFloat32, {static_cast<std::int64_t>(config_.features)}, {}, 0, 0};
    if (config_.task == "classes") return {x, {"y", TRAINHOST_FIELD_TARGET, kInt64, {}, {}, static_cast<std::int64_t>(config_.classes), -1}};
    return {x, {"y", TRAINHOST_FIELD_TARGET, kFloat32, {static_cast<std::int64_t>(config_.outputs)}, {}, 0, 0}};
  }

  std::uint64_t length_of(std::uint64_t id) const {
    if (!has_varying_length()) return config_.context_length;
    return config_.min_length + RandomStream(config_.seed, 5, id).below(config_.context_length - config_.min_length + 1);
  }

  void read_tokens(std::uint64_t id, std::size_t index, BatchWriter& out) const {
    const std::int64_t shape[] = {static_cast<std::int64_t>(length_of(id))};
    std::vector<std::int64_t> tokens(static_cast<std::size_t>(shape[0]) + 1);
    tokens_->fill(id, tokens);
    for (const std::uint32_t field : {0u, 1u}) {
      const Tensor place = out.reserve(index, field, shape);
      const auto copy = [&](auto to) {
        std::transform(tokens.begin() + field, tokens.end() - 1 + field, to.begin(),
                       [](std::int64_t token) { return static_cast<typename decltype(to)::value_type>(token); });
      };
      if (place.dtype.bits == 8)
        copy(place.as<std::uint8_t>());
      else
        copy(place.as<std::int32_t>());
    }
  }

  void read_linear(std::uint64_t id, std::size_t index, BatchWriter& out) const {
    const std::int64_t features[] = {static_cast<std::int64_t>(config_.features)};
    const bool is_classes = config_.task == "classes";
    std::vector<float> scores(is_classes ? config_.classes : config_.outputs);
    linear_->fill(id, out.reserve(index, 0, features).as<float>(), scores);
    if (is_classes) {
      out.reserve(index, 1, std::span<const std::int64_t>()).as<std::int64_t>()[0] = std::max_element(scores.begin(), scores.end()) - scores.begin();
    } else {
      const std::int64_t outputs[] = {static_cast<std::int64_t>(config_.outputs)};
      std::copy(scores.begin(), scores.end(), out.reserve(index, 1, outputs).as<float>().begin());
    }
  }

  // The samples follow from the config alone.
  std::array<std::uint8_t, 32> hash_of_config(std::string_view first_word) const {
    std::string text =
        format("{} {} {} {} {} {} {} {} {} {} {} {} {}", first_word, config_.task, config_.seed, config_.samples, config_.first_id, config_.block_samples,
               config_.noise, config_.vocabulary, config_.context_length, config_.min_length, config_.features, config_.classes, config_.outputs);
    for (const std::string& field : config_.fields) text += " " + field;
    std::array<std::uint8_t, 32> out;
    RandomStream words(0, 6, 0);
    for (const char c : text) words = RandomStream(words.next(), 6, static_cast<std::uint8_t>(c));
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(words.next());
    return out;
  }

  Config config_;
  std::optional<TokenTask> tokens_;
  std::optional<LinearTask> linear_;
  std::optional<FieldsTask> fields_;
  SourceInfo info_;
  SampleFacts facts_;
};

}  // namespace

TRAINHOST_PLUGIN(Synthetic,
                 {.kind = "data_source", .name = "synthetic", .version = kVersion, .summary = "seeded, learnable samples that need no files", .schema = kSchema})
