// Windows of a fixed number of samples; micro-batches that do not fit the device are halved.
//
// A schedule says how many samples the next update sees, and in how small pieces they go through the device. Any cut of the same samples gives the same
// gradient: the window is a matter of the optimisation, the size of the micro-batches one of memory and speed.
#include <trainhost/plugin.hpp>

namespace {

using trainhost::PluginError;
using trainhost::Window;

struct Config {
  std::uint64_t window_samples = 32, micro_batch_samples = 8;
};

class MyPlugin final : public trainhost::AccumulationSchedule {
 public:
  explicit MyPlugin(Config config) : config_(config), micro_batch_samples_(std::min(config.micro_batch_samples, config.window_samples)) {}

  // Exactly one of the three targets is not 0. `last` is the window before this one, all zeroes at first.
  Window next_window(const trainhost::Progress&, Window last) override {
    Window next = last;
    next.micro_batch_samples = micro_batch_samples_;
    next.target_samples = config_.window_samples;
    next.num_micro_batches = next.target_tokens = 0;
    return next;
  }

  // The host runs the same samples again in the smaller pieces that are answered here.
  std::uint64_t out_of_memory(const Window& failed, std::uint64_t) override {
    if (failed.micro_batch_samples <= 1)
      throw PluginError(TRAINHOST_RESOURCE_EXHAUSTED, "one sample does not fit the device; use a smaller model or shorter samples");
    micro_batch_samples_ = failed.micro_batch_samples / 2;
    host().log_warning("out of device memory with {} samples; going on with {}", failed.micro_batch_samples, micro_batch_samples_);
    return micro_batch_samples_;
  }

  // What must survive a resume. Overriding both makes the plugin stateful: the host then refuses a resume without its state. load is tried on a fresh
  // object first, so that a state that is cut or odd leaves this one as it was.
  void save(trainhost::StateWriter& out) const override { out.put(micro_batch_samples_); }
  void load(trainhost::StateReader& in) override {
    in.get(micro_batch_samples_);
    if (micro_batch_samples_ == 0) throw PluginError(TRAINHOST_DATA_LOSS, "state: micro-batches of 0 samples");
    micro_batch_samples_ = std::min(micro_batch_samples_, config_.window_samples);
  }

 private:
  Config config_;
  std::uint64_t micro_batch_samples_;
};

}  // namespace

TRAINHOST_PLUGIN(MyPlugin, {
  .kind = "accumulation_schedule",
  .name = "my_plugin",
  .version = "1.0.0",
  .summary = "windows of a fixed number of samples; halves micro-batches that do not fit",
  .schema = trainhost::schema<Config>()
                .key("window_samples", &Config::window_samples, "samples of an update, over all ranks", trainhost::at_least(1))
                .key("micro_batch_samples", &Config::micro_batch_samples, "samples that go through the device at once", trainhost::at_least(1)),
})
