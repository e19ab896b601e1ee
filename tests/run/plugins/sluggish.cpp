// A decorator of data sources that gets in the way on command: a sample that never comes, a thread that ends, reading that takes its time.
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include <trainhost/cpp/data_stages.hpp>
#include <trainhost/plugin.hpp>

namespace {

using namespace trainhost;

struct Config {
  std::optional<std::uint64_t> hangs_at, ends_at;  // ids
  std::uint64_t decode_ms = 0;                     // a batch
};

constexpr auto kSchema = schema<Config>()
                             .key("hangs_at", &Config::hangs_at, "sample whose reading never returns", no_trajectory)
                             .key("ends_at", &Config::ends_at, "sample whose reading ends the thread", no_trajectory)
                             .key("decode_ms", &Config::decode_ms, "that a batch is said to be decoded", no_trajectory);

class Sluggish final : public DataSource {
 public:
  explicit Sluggish(Config config) : config_(config) {}

  void start() override { inner_ = host().upstream<trainhost_data_source>(0, TRAINHOST_DATA_SOURCE); }
  // The upstream's tables are handed on as they are, past the glue.
  const SourceInfo& info() override { return unused_; }
  void read(std::span<const std::uint64_t>, std::span<const std::uint64_t>, BatchWriter&) override {}
  const void* interface(std::string_view id) override { return id == TRAINHOST_DATA_SOURCE ? &kTable : nullptr; }

 private:
  static Sluggish& of(trainhost_instance* instance) { return trainhost::detail::object<Sluggish>(instance); }
  static trainhost_status info_of(trainhost_instance* instance, trainhost_source_info* out, trainhost_error* error) {
    return of(instance).inner_.table->info(of(instance).inner_.instance, out, error);
  }
  static trainhost_status read_of(trainhost_instance* instance, const trainhost_read* wanted, const trainhost_batch_writer* writer, trainhost_error* error) {
    const Sluggish& self = of(instance);
    const auto wants = [&](std::optional<std::uint64_t> id) { return id && std::find(wanted->ids, wanted->ids + wanted->num_samples, *id) != wanted->ids + wanted->num_samples; };
    while (wants(self.config_.hangs_at)) ::pause();
    if (wants(self.config_.ends_at)) ::pthread_exit(nullptr);
    {
      const StageWatch watch(self.host(), TRAINHOST_STAGE_DECODE);
      std::this_thread::sleep_for(std::chrono::milliseconds(self.config_.decode_ms));
    }
    return self.inner_.table->read(self.inner_.instance, wanted, writer, error);
  }
  static constexpr trainhost_data_source kTable{sizeof(trainhost_data_source), 0, &info_of, &read_of};

  Config config_;
  Upstream<trainhost_data_source> inner_{};
  SourceInfo unused_;
};

}  // namespace

TRAINHOST_PLUGIN(Sluggish, {.kind = "data_source", .name = "sluggish", .version = "1.0.0", .summary = "gets in the way", .decorates = 1, .schema = kSchema})
