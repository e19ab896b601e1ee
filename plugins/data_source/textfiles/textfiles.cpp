// data_source/textfiles: windows of bytes out of the text files of a folder; every byte is a token.
#include <trainhost/draft/sample_identity.hpp>
#include <trainhost/plugin.hpp>

#include <algorithm>
#include <optional>

#include "corpus.h"

namespace {

using namespace trainhost;

constexpr std::string_view kVersion = "1.0.0";  // another one when the same input gives other samples

struct Config {
  std::string root, split = "train";  // a set of its own never overlaps with the default
  std::vector<std::string> glob = {"**/*"}, exclude;
  double heldout_fraction = 0.1;
  std::uint64_t context_length = 256, stride = 0;
};

constexpr auto kSchema =
    schema<Config>()
        .key("root", &Config::root, "folder of the text, relative to the current folder; may be a symbolic link", no_trajectory)
        .key("glob", &Config::glob, "which files, as paths relative to root: * ? ** {a,b}", list_or_one)
        .key("exclude", &Config::exclude, "patterns of files to leave out", list_or_one)
        .key("split", &Config::split, "train, heldout (whole folders, chosen by a hash of their path) or all", one_of("train", "heldout", "all"))
        .key("heldout_fraction", &Config::heldout_fraction, "share of the folders that is held out", at_least(0), at_most(1))
        .key("context_length", &Config::context_length, "tokens of a sample", at_least(1), at_most(16777216))
        .key("stride", &Config::stride, "bytes from one sample to the next; 0 = context_length")
        .required("root");

class TextFiles final : public IdentifiedSource, public DataLengths, public Text {
 public:
  explicit TextFiles(Config config) : config_(std::move(config)) {
    if (config_.stride == 0) config_.stride = config_.context_length;
  }

  void start() override {
    corpus_.emplace(
        CorpusOptions{config_.root, config_.glob, config_.exclude, config_.split, config_.heldout_fraction, config_.context_length, config_.stride});
    const auto length = static_cast<std::int64_t>(config_.context_length);
    // A pad_value that no byte can be: every target counts.
    info_.fields = {{"tokens", TRAINHOST_FIELD_INPUT, kUInt8, {length}, {}, 256, -1}, {"targets", TRAINHOST_FIELD_TARGET, kUInt8, {length}, {}, 256, -1}};
    info_.num_samples = corpus_->num_samples();
    info_.block_starts = corpus_->folder_starts();
    Fingerprint fingerprint = corpus_->fingerprint();
    info_.fingerprint = fingerprint.value();
    fingerprint.add_to_stamp(kVersion);
    facts_ = {false, fingerprint.stamp(), format("textfiles {}: {}", kVersion, corpus_->summary())};
    host().log_info("{}", corpus_->summary());
  }

  const SourceInfo& info() override { return info_; }
  SampleFacts sample_facts() override { return facts_; }

  void read(std::span<const std::uint64_t> ids, std::span<const std::uint64_t>, BatchWriter& out) override {
    const std::int64_t length[] = {static_cast<std::int64_t>(config_.context_length)};
    std::vector<std::uint8_t> window(config_.context_length + 1);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      host().throw_if_cancelled();
      corpus_->read(ids[i], window);
      std::copy(window.begin(), window.end() - 1, out.reserve(i, 0, length).as<std::uint8_t>().begin());
      std::copy(window.begin() + 1, window.end(), out.reserve(i, 1, length).as<std::uint8_t>().begin());
    }
  }

  void lengths(std::span<const std::uint64_t>, std::span<std::uint64_t> out) override { std::fill(out.begin(), out.end(), config_.context_length); }

  std::vector<std::int64_t> encode(std::string_view text) override {
    std::vector<std::int64_t> tokens(text.size());
    std::transform(text.begin(), text.end(), tokens.begin(), [](char c) { return static_cast<std::uint8_t>(c); });
    return tokens;
  }

  std::string decode(std::span<const std::int64_t> tokens) override {
    std::string text;
    for (const std::int64_t token : tokens) {
      if (token < 0 || token > 255) throw PluginError(TRAINHOST_OUT_OF_RANGE, format("token {} is no byte, wanted 0 to 255", token));
      text += static_cast<char>(token);
    }
    return text;
  }

 private:
  Config config_;
  std::optional<Corpus> corpus_;
  SourceInfo info_;
  SampleFacts facts_;
};

}  // namespace

TRAINHOST_PLUGIN(TextFiles, {.kind = "data_source", .name = "textfiles", .version = kVersion, .summary = "bytes of text files", .schema = kSchema})
