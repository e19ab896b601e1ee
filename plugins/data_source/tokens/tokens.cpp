// data_source/tokens: files of tokens that a tokenizer wrote before the run, cut into samples.
#include <trainhost/draft/sample_identity.hpp>
#include <trainhost/plugin.hpp>

#include <algorithm>
#include <cstring>
#include <deque>
#include <optional>

#include "documents.h"
#include "files/fingerprint.h"
#include "files/split.h"
#include "remote/data_files.h"
#include "remote/options.h"
#include "token_file.h"
#include "excerpts.h"

namespace {

using namespace trainhost;

constexpr std::string_view kVersion = "1.0.0";  // another one when the same input gives other samples

struct Config : remote::RemoteOptions {
  std::vector<std::string> files;
  std::optional<std::string> dtype;
  std::uint64_t vocabulary = 0, context_length = 256, stride = 0;
  std::optional<std::uint64_t> document_end;
  std::uint64_t min_length = 1;
  std::string split = "train";
  double heldout_fraction = 0;
};

constexpr auto kSchema = remote::with_remote_keys(
    schema<Config>()
        .key("files", &Config::files, "token files, seen from the current folder, or s3:// URIs: names and patterns, * ? ** {a,b} {00..99}", list_or_one, no_trajectory)
        .key("dtype", &Config::dtype, "of files without a header; left out: all have the header of llm.c", one_of("uint16", "uint32"))
        .key("vocabulary", &Config::vocabulary, "number of different tokens: all are below it", at_least(2), at_most(2147483647))
        .key("context_length", &Config::context_length, "tokens of a sample", at_least(1), at_most(16777216))
        .key("stride", &Config::stride, "tokens from one sample to the next; 0 = context_length", at_most(4294967296))
        .key("document_end", &Config::document_end, "the token behind each document: then no sample reaches over it; left out: one text", at_most(2147483647))
        .key("min_length", &Config::min_length, "with document_end: targets of the shortest sample", at_least(1), at_most(16777216))
        .key("split", &Config::split, "train, heldout (chosen by a hash of file name and place) or all", one_of("train", "heldout", "all"))
        .key("heldout_fraction", &Config::heldout_fraction, "share that is held out, of documents or of pieces of 16384 tokens", at_least(0), at_most(1))
        .required("files", "vocabulary"));

constexpr std::uint64_t kSplitTokens = 16384;  // what is held out together where no documents are known

class Tokens final : public IdentifiedSource, public DataLengths {
 public:
  explicit Tokens(Config config)
      : config_(std::move(config)), split_(config_.split, config_.heldout_fraction), data_(config_, "tokens"), excerpts_(config_.context_length, stride(), min_length()) {
    if (config_.document_end && stride() > config_.context_length)
      throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("tokens: with document_end stride must be at most context_length {}, got {}", config_.context_length, stride()));
    if (config_.document_end && *config_.document_end >= config_.vocabulary)
      throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("tokens: document_end must be below vocabulary {}, got {}", config_.vocabulary, *config_.document_end));
    if (config_.min_length > config_.context_length)
      throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("tokens: min_length must be at most context_length {}, got {}", config_.context_length, config_.min_length));
  }

  void start() override {
    open_files();
    config_.document_end ? cut_documents() : cut_files();
    if (excerpts_.size() == 0) throw_empty();
    const auto length = static_cast<std::int64_t>(config_.context_length), classes = static_cast<std::int64_t>(config_.vocabulary);
    const std::int64_t size = config_.document_end ? -1 : length;
    // Where samples vary, inputs are filled up with token 0 and targets with -1, which does not count.
    info_.fields = {{"tokens", TRAINHOST_FIELD_INPUT, kInt32, {size}, {length}, classes, 0},
                    {"targets", TRAINHOST_FIELD_TARGET, kInt32, {size}, {length}, classes, -1}};
    info_.num_samples = excerpts_.size();
    info_.block_starts = excerpts_.file_starts();
    const Fingerprint all = fingerprint();
    info_.fingerprint = all.value();
    facts_ = {false, all.stamp(), format("tokens {}: {}, {} tokens in {} files like {}", kVersion, config_.split, num_tokens(), files_.size(), files_.front().input().path())};
    host().log_info("{}: {} samples out of {} tokens in {} files{}", config_.split, excerpts_.size(), num_tokens(), files_.size(),
                    config_.document_end ? format(", {} documents", num_documents_) : "");
  }

  void stop() override {
    files_.clear();
    data_.stop();
  }

  const SourceInfo& info() override { return info_; }
  SampleFacts sample_facts() override { return facts_; }

  void read(std::span<const std::uint64_t> ids, std::span<const std::uint64_t>, BatchWriter& out) override {
    std::vector<std::byte> raw;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      host().throw_if_cancelled();
      const Excerpt excerpt = excerpts_.at(ids[i]);
      const TokenFile& file = files_[excerpt.file];
      const std::int64_t length[] = {static_cast<std::int64_t>(excerpt.num_tokens) - 1};
      const Tensor tokens = out.reserve(i, 0, length), targets = out.reserve(i, 1, length);
      raw.resize(excerpt.num_tokens * file.token_bytes());
      file.read(excerpt.first, raw);
      const std::span<const std::byte> all(raw);
      widen(all.first(raw.size() - file.token_bytes()), file.token_bytes(), tokens.as<std::int32_t>());
      widen(all.subspan(file.token_bytes()), file.token_bytes(), targets.as<std::int32_t>());
    }
  }

  void lengths(std::span<const std::uint64_t> ids, std::span<std::uint64_t> out) override {
    std::transform(ids.begin(), ids.end(), out.begin(), [&](std::uint64_t id) { return excerpts_.at(id).num_tokens - 1; });
  }

 private:
  std::uint64_t stride() const { return config_.stride ? config_.stride : config_.context_length; }
  std::uint64_t min_length() const { return config_.document_end ? config_.min_length : 0; }

  std::uint64_t num_tokens() const {
    std::uint64_t sum = 0;
    for (const TokenFile& file : files_) sum += file.num_tokens();
    return sum;
  }

  void open_files() {
    data_.start(host());
    const std::vector<ListedFile> listed = data_.list(config_.files, "tokens.files");
    for (const ListedFile& file : listed) files_.emplace_back(file.name, data_.input(file.path, InputFile::keep_for(listed.size())), config_.dtype, config_.vocabulary);
  }

  void cut_documents() {
    const std::filesystem::path cache = host().cache_folder();
    const Surroundings around{[this] { host().throw_if_cancelled(); },
                              [this](const std::string& words) { host().log_warning("where documents end is looked for again next time: {}", words); }};
    const auto ends = find_document_ends(files_, static_cast<std::uint32_t>(*config_.document_end), OffsetStore(cache.empty() ? cache : cache / "tokens"), around);
    for (std::size_t file = 0; file < files_.size(); ++file) {
      excerpts_.begin_file();
      num_documents_ += ends[file].size();
      for (std::size_t document = 0; document < ends[file].size(); ++document)
        if (split_.takes(stable_hash(files_[file].name(), document))) excerpts_.add_run(document == 0 ? 0 : ends[file][document - 1], ends[file][document]);
    }
  }

  // Without a split a file is one run. With one, neighbouring pieces of the same side are; inputs stay inside, the last target may be the token behind.
  void cut_files() {
    for (const TokenFile& file : files_) {
      excerpts_.begin_file();
      if (split_.takes_all()) {
        excerpts_.add_run(0, file.num_tokens());
        continue;
      }
      const std::uint64_t num_pieces = (file.num_tokens() + kSplitTokens - 1) / kSplitTokens;
      for (std::uint64_t piece = 0, begin = 0; piece < num_pieces; begin = ++piece) {
        while (piece < num_pieces && split_.takes(stable_hash(file.name(), piece))) ++piece;
        if (begin < piece) excerpts_.add_run(begin * kSplitTokens, std::min(piece * kSplitTokens + 1, file.num_tokens()));
      }
    }
  }

  Fingerprint fingerprint() const {
    Fingerprint fingerprint(format("tokens/1 vocabulary {} context {} stride {} document_end {} min_length {} {}", config_.vocabulary, config_.context_length, stride(),
                                   config_.document_end ? format("{}", *config_.document_end) : "-", min_length(), split_.text()));
    for (const TokenFile& file : files_) {
      fingerprint.add(file.name(), file.input());
      fingerprint.add(format("{} tokens of {} bytes", file.num_tokens(), file.token_bytes()));
    }
    fingerprint.add_to_stamp(kVersion);
    return fingerprint;
  }

  [[noreturn]] void throw_empty() const {
    throw PluginError(TRAINHOST_FAILED_PRECONDITION,
                      format("tokens: no samples: {} tokens in {} files{}, {}; a sample takes {} tokens{}; give more data, or shorter samples, or "
                             "another share",
                             num_tokens(), files_.size(), config_.document_end ? format(" and {} documents", num_documents_) : "", split_.text(),
                             (config_.document_end ? config_.min_length : config_.context_length) + 1, config_.document_end ? " of one document" : ""));
  }

  Config config_;
  Split split_;
  remote::DataFiles data_;
  std::deque<TokenFile> files_;
  Excerpts excerpts_;
  std::uint64_t num_documents_ = 0;
  SourceInfo info_;
  SampleFacts facts_;
};

}  // namespace

TRAINHOST_PLUGIN(Tokens, {.kind = "data_source", .name = "tokens", .version = kVersion, .summary = "files of tokens, cut into samples", .schema = kSchema})
