// A window of fixed size: so many micro-batches, samples or tokens. After an out-of-memory it goes on with smaller pieces of the same window.
#include <trainhost/plugin.hpp>

namespace {

using trainhost::PluginError;
using trainhost::Window;

struct Config {
  std::uint64_t micro_batch_samples = 8;
  std::optional<std::uint64_t> micro_batches, target_samples, target_tokens;  // none: one micro-batch
};

class Accum final : public trainhost::AccumulationSchedule {
 public:
  explicit Accum(Config config) : config_(config), micro_batch_samples_(config.micro_batch_samples) {
    if (config.micro_batches.has_value() + config.target_samples.has_value() + config.target_tokens.has_value() > 1)
      throw PluginError(TRAINHOST_INVALID_ARGUMENT, "accum: at most one of micro_batches, target_samples and target_tokens may be set");
  }

  void start() override {
    if (micro_batch_samples_ < config_.micro_batch_samples)
      host().log_info("micro-batches of {} samples instead of {}: larger ones ran out of memory before the resume", micro_batch_samples_,
                      config_.micro_batch_samples);
  }

  Window next_window(const trainhost::Progress&, Window window) override {
    window.micro_batch_samples = micro_batch_samples_;
    window.num_micro_batches = 0;
    window.target_samples = config_.target_samples.value_or(0);
    window.target_tokens = config_.target_tokens.value_or(0);
    if (!config_.target_samples && !config_.target_tokens) keep_window_size(window);
    return window;
  }

  std::uint64_t out_of_memory(const Window& failed, std::uint64_t) override {
    if (failed.micro_batch_samples <= 1)
      throw PluginError(TRAINHOST_RESOURCE_EXHAUSTED, "one sample does not fit the device; use a smaller model, shorter samples, or another precision policy");
    micro_batch_samples_ = failed.micro_batch_samples / 2;
    host().log_warning("out of device memory with micro-batches of {} samples; going on with {}", failed.micro_batch_samples, micro_batch_samples_);
    return micro_batch_samples_;
  }

  void save(trainhost::StateWriter& out) const override { out.put(micro_batch_samples_); }
  void load(trainhost::StateReader& in) override {
    in.get(micro_batch_samples_);
    micro_batch_samples_ = std::clamp<std::uint64_t>(micro_batch_samples_, 1, config_.micro_batch_samples);
  }

 private:
  // Smaller micro-batches must not shrink the window: the optimisation would be another one.
  void keep_window_size(Window& window) const {
    const std::uint64_t samples = config_.micro_batch_samples * config_.micro_batches.value_or(1);  // per rank
    if (samples % micro_batch_samples_ == 0) window.num_micro_batches = samples / micro_batch_samples_;
    else window.target_samples = samples * host().world_size();
  }

  Config config_;
  std::uint64_t micro_batch_samples_;
};

}  // namespace

TRAINHOST_PLUGIN(Accum, {
  .kind = "accumulation_schedule",
  .name = "accum",
  .version = "1.0.0",
  .summary = "windows of fixed size in micro-batches, samples or tokens; halves micro-batches that do not fit",
  .schema = trainhost::schema<Config>()
                .key("micro_batch_samples", &Config::micro_batch_samples, "samples that go through the device at once, on each rank", trainhost::at_least(1))
                .key("micro_batches", &Config::micro_batches, "micro-batches a window, on each rank; 1 when nothing else is set", trainhost::at_least(1))
                .key("target_samples", &Config::target_samples, "samples a window, over all ranks", trainhost::at_least(1))
                .key("target_tokens", &Config::target_tokens, "targets that count a window, over all ranks", trainhost::at_least(1))
                .alternatives({"micro_batches", "target_samples", "target_tokens"}),
})
