// Halves the learning rate every so many steps.
//
// A schedule answers with a factor on the optimizer's base rate. The host asks for many steps ahead of time and puts the answers into a table on the
// device, which looks them up by its own count of applied steps: no step waits for a schedule, and a skipped window does not advance it.
#include <trainhost/plugin.hpp>

namespace {

// The keys of the table [my_plugin] in a config, with their defaults. The host has checked the user's values before the constructor runs.
struct Config {
  std::uint64_t every_steps = 100;
};

class MyPlugin final : public trainhost::LrSchedule {
 public:
  explicit MyPlugin(Config config) : config_(config) {}

  // out[i] is the factor of step at.step + i. Pure: a resumed run asks again and must get the same answer. fractions[i] says how far the run will be
  // at that step, 0 to 1, or NaN where it states no length.
  void factors(const trainhost::Progress& at, std::span<const double>, std::span<double> out) override {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::exp2(-static_cast<double>((at.step + i) / config_.every_steps));
  }

 private:
  Config config_;
};

}  // namespace

// The metadata: it is written into the file at compile time, so that `trainhost plugins list` runs no code of yours.
TRAINHOST_PLUGIN(MyPlugin, {
  .kind = "lr_schedule",
  .name = "my_plugin",
  .version = "1.0.0",
  .summary = "halves the learning rate every so many steps",
  .schema = trainhost::schema<Config>().key("every_steps", &Config::every_steps, "steps at one rate", trainhost::at_least(1)),
})
