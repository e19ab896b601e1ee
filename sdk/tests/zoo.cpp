// Plugins that do everything once, well or badly, for the tests of the C++ side; several in one file.
#include <map>
#include <trainhost/plugin.hpp>

namespace {

using trainhost::PluginError;
using trainhost::Verdict;

// Every type that a config may hold, and every constraint.
struct AllTypes {
  bool flag = true;
  int small = -3;
  unsigned count = 4000000000u;
  std::int64_t wide = -9007199254740993;
  std::uint64_t huge = 18446744073709551615u;
  double rate = 3e-4;
  std::string text = "say \"hi\"\n\x01 ü";
  std::string choice = "auto";
  std::vector<std::int64_t> sizes = {64, 128};
  std::vector<std::uint64_t> ids;
  std::vector<double> betas = {0.9, 0.999};
  std::vector<std::string> names = {"a", "b"};
  std::optional<bool> maybe_flag;
  std::optional<int> maybe_small = 7;
  std::optional<std::int64_t> maybe_wide;
  std::optional<std::uint64_t> maybe_huge;
  std::optional<double> maybe_rate;
  std::optional<std::string> maybe_text;
};

// Answers with its config.
class Echo final : public trainhost::StoppingRule {
 public:
  explicit Echo(const AllTypes& config) : config_(config) {}
  Verdict check(const trainhost::Progress&, std::span<const trainhost::Metric>) override {
    const auto& c = config_;
    std::string lists;
    for (const auto item : c.sizes) lists += trainhost::format("{},", item);
    for (const auto item : c.ids) lists += trainhost::format("{},", item);
    for (const auto item : c.betas) lists += trainhost::format("{},", item);
    for (const auto& item : c.names) lists += item + ",";
    std::string maybe;
    if (c.maybe_flag) maybe += trainhost::format("flag {} ", *c.maybe_flag);
    if (c.maybe_small) maybe += trainhost::format("small {} ", *c.maybe_small);
    if (c.maybe_wide) maybe += trainhost::format("wide {} ", *c.maybe_wide);
    if (c.maybe_huge) maybe += trainhost::format("huge {} ", *c.maybe_huge);
    if (c.maybe_rate) maybe += trainhost::format("rate {} ", *c.maybe_rate);
    if (c.maybe_text) maybe += trainhost::format("text {} ", *c.maybe_text);
    return Verdict::done("{} {} {} {} {} {} {} {} | {} | {}", c.flag, c.small, c.count, c.wide, c.huge, c.rate, c.text, c.choice, lists, maybe);
  }

 private:
  AllTypes config_;
};

struct Misdeed {
  std::string what = "nothing";
};

// Throws in every way, says too much, and tells what it sees of an old host.
class Rogue final : public trainhost::StoppingRule {
 public:
  explicit Rogue(Misdeed config) : what_(std::move(config.what)) {
    if (what_ == "construct") throw PluginError(TRAINHOST_INVALID_ARGUMENT, "no such luck");
  }
  void start() override { if (what_ == "start") throw PluginError(TRAINHOST_NOT_FOUND, "start failed"); }
  void stop() override {
    host().log_info("stopped");
    if (what_ == "stop") throw std::runtime_error("cannot stop");
  }
  Verdict check(const trainhost::Progress& progress, std::span<const trainhost::Metric>) override {
    if (what_ == "status") throw PluginError(TRAINHOST_UNAVAILABLE, "later");
    if (what_ == "ok") throw PluginError(TRAINHOST_OK, "not so");
    if (what_ == "standard") throw std::runtime_error("standard trouble");
    if (what_ == "memory") throw std::bad_alloc();
    if (what_ == "int") throw 42;
    if (what_ == "long_error") throw PluginError(TRAINHOST_ABORTED, "x" + long_text());
    if (what_ == "long_reason") return Verdict::diverged("{}", long_text());
    return Verdict::budget("{} {}", progress.step, progress.gradient_norm).restore_best();
  }

 private:
  static std::string long_text() {
    std::string text;
    while (text.size() < 4096) text += "ü";  // two bytes each: an odd cut would break one
    return text;
  }
  std::string what_;
};

// Holds a state of every type; a load reads it back, the first number must be even.
class Keeper final : public trainhost::LrSchedule, public trainhost::ObservesEvents {
 public:
  void factors(const trainhost::Progress& at, std::span<const double>, std::span<double> out) override {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = total_ + static_cast<double>(at.step + i);
  }
  bool update(const trainhost::Progress&, std::span<const trainhost::Metric> metrics) override {
    for (const auto& metric : metrics) total_ += metric.value, seen_.push_back(metric.step), last_ = std::string(metric.name), ++number_ *= 2;
    return !metrics.empty();
  }
  void on_event(const trainhost::Event& event) override {
    host().log_info("{} {} {} {}", event.name, event.details_json, event.progress ? event.progress->step : 0, event.metrics.size());
  }
  void save(trainhost::StateWriter& out) const override { out.put(number_, total_, last_, seen_, is_set_, last_number_); }
  void load(trainhost::StateReader& in) override {
    in.get(number_);
    if (number_ % 2) throw PluginError(TRAINHOST_FAILED_PRECONDITION, trainhost::format("state of version {} is odd", in.saved_by_version()));
    in.get(total_, last_, seen_, is_set_, last_number_);
  }

 private:
  int number_ = 0;
  double total_ = 0;
  std::string last_;
  std::vector<std::uint64_t> seen_;
  bool is_set_ = true;
  std::optional<std::int64_t> last_number_;
};

// Ten samples: the number n as n int64 of value n, and a letter for text.
class Numbers final : public trainhost::DataSource, public trainhost::DataLengths, public trainhost::Text {
 public:
  Numbers() {
    info_.fields = {{.name = "x", .dtype = trainhost::kInt64, .shape = {-1}, .max_shape = {9}, .pad_value = -1},
                    {.name = "key", .role = TRAINHOST_FIELD_TARGET, .dtype = trainhost::kFloat64}};
    info_.num_samples = 10;
    info_.block_starts = {0, 5};
    info_.fingerprint.fill(7);
  }
  const trainhost::SourceInfo& info() override { return info_; }
  void read(std::span<const std::uint64_t> ids, std::span<const std::uint64_t> random_keys, trainhost::BatchWriter& out) override {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto n = static_cast<std::int64_t>(ids[i]);
      const auto place = out.reserve(i, 0, {n}).as<std::int64_t>();
      std::fill(place.begin(), place.end(), n);
      out.reserve(i, 1, {}).as<double>()[0] = static_cast<double>(random_keys[i]);
    }
  }
  void lengths(std::span<const std::uint64_t> ids, std::span<std::uint64_t> out) override { std::copy(ids.begin(), ids.end(), out.begin()); }
  std::vector<std::int64_t> encode(std::string_view text) override { return {text.begin(), text.end()}; }
  std::string decode(std::span<const std::int64_t> tokens) override { return {tokens.begin(), tokens.end()}; }

 private:
  trainhost::SourceInfo info_;
};

// A checkpoint place in memory; or, as a decorator, one that upper-cases nothing and passes everything on to its upstream.
class Shelf final : public trainhost::CheckpointBackend {
 public:
  struct Upload final : Put {
    Upload(Shelf& shelf, std::string_view its_key, std::uint64_t size) : shelf_(shelf), key_(its_key), bytes_(size, '\0') {}
    void part(std::uint64_t offset, std::span<const std::byte> bytes, std::uint32_t crc32c) override {
      if (crc32c != 0) throw PluginError(TRAINHOST_DATA_LOSS, "bad checksum");
      std::memcpy(bytes_.data() + offset, bytes.data(), bytes.size());
    }
    void commit() override { shelf_.objects_[key_] = bytes_; }
    void abort() override { shelf_.host().log_info("aborted {}", key_); }
    Shelf& shelf_;
    std::string key_, bytes_;
  };
  std::unique_ptr<Put> put_begin(std::string_view key, std::uint64_t size, std::uint64_t& part_bytes) override {
    part_bytes = 4096;
    return std::make_unique<Upload>(*this, key, size);
  }
  void create(std::string_view key, std::span<const std::byte> bytes) override {
    const std::string value(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (objects_.try_emplace(std::string(key), value).first->second != value) throw PluginError(TRAINHOST_ALREADY_EXISTS, std::string(key));
  }
  std::size_t get(std::string_view key, std::uint64_t offset, std::span<std::byte> out) override {
    const auto found = objects_.find(std::string(key));
    if (found == objects_.end()) throw PluginError(TRAINHOST_NOT_FOUND, std::string(key));
    return found->second.copy(reinterpret_cast<char*>(out.data()), out.size(), offset);
  }
  void list(std::string_view prefix, const Visit& visit) override {
    for (const auto& [key, bytes] : objects_) if (key.starts_with(prefix) && !visit({key, bytes.size(), 0})) return;
  }
  void remove(std::string_view key) override { objects_.erase(std::string(key)); }

 private:
  std::map<std::string, std::string> objects_;
};

class Probing final : public trainhost::AccumulationSchedule {
 public:
  void start() override {
    if (host().num_upstreams() == 1)
      host().log_info("upstream has a table: {}", host().upstream<trainhost_accumulation_schedule>(0, TRAINHOST_ACCUMULATION_SCHEDULE).table != nullptr);
  }
  trainhost::Window next_window(const trainhost::Progress&, trainhost::Window) override {
    std::uint64_t samples = 1;
    while (host().probe_memory(samples * 2).fits) samples *= 2;
    return {.struct_size = 0, .reserved = 0, .micro_batch_samples = samples, .num_micro_batches = 1, .target_samples = 0, .target_tokens = 0};
  }
  std::uint64_t out_of_memory(const trainhost::Window& failed, std::uint64_t) override { return failed.micro_batch_samples - 1; }
};

}  // namespace

TRAINHOST_DEFINE(Echo, {
  .kind = "stopping_rule",
  .name = "echo",
  .version = "1.0.0",
  .summary = "answers with its config",
  .schema = trainhost::schema<AllTypes>()
                .key("flag", &AllTypes::flag, "")
                .key("small", &AllTypes::small, "a \"small\" number", trainhost::at_least(-5), trainhost::at_most(1.5e6))
                .key("count", &AllTypes::count, "")
                .key("wide", &AllTypes::wide, "")
                .key("huge", &AllTypes::huge, "")
                .key("rate", &AllTypes::rate, "", trainhost::greater_than(0), trainhost::less_than(1e-3))
                .key("text", &AllTypes::text, "", trainhost::no_trajectory, trainhost::secret)
                .key("choice", &AllTypes::choice, "", trainhost::one_of("auto", "never"))
                .key("sizes", &AllTypes::sizes, "", trainhost::at_least(1))
                .key("ids", &AllTypes::ids, "")
                .key("betas", &AllTypes::betas, "")
                .key("names", &AllTypes::names, "")
                .key("maybe_flag", &AllTypes::maybe_flag, "")
                .key("maybe_small", &AllTypes::maybe_small, "")
                .key("maybe_wide", &AllTypes::maybe_wide, "")
                .key("maybe_huge", &AllTypes::maybe_huge, "")
                .key("maybe_rate", &AllTypes::maybe_rate, "")
                .key("maybe_text", &AllTypes::maybe_text, "")
                .required("flag", "count")
                .alternatives({"maybe_huge", "maybe_rate"}),
})
TRAINHOST_DEFINE(Rogue, {
  .kind = "stopping_rule",
  .name = "rogue",
  .version = "1.0.0",
  .summary = "misbehaves",
  .schema = trainhost::schema<Misdeed>().key("what", &Misdeed::what, ""),
})
TRAINHOST_DEFINE(Keeper, {.kind = "lr_schedule", .name = "keeper", .version = "1.0.0", .summary = "keeps a state"})
TRAINHOST_DEFINE(Numbers, {.kind = "data_source", .name = "numbers", .version = "1.0.0", .summary = "ten samples"})
TRAINHOST_DEFINE(Shelf, {.kind = "checkpoint_backend", .name = "shelf", .version = "2.0.0", .summary = "objects in memory", .schemes = {"shelf", "mem"}})
TRAINHOST_DEFINE(Probing, {.kind = "accumulation_schedule", .name = "probing", .version = "1.0.0", .summary = "finds its size", .decorates = 1, .needs = {TRAINHOST_MEMORY}})

TRAINHOST_PLUGINS(Echo, Rogue, Keeper, Numbers, Shelf, Probing)
