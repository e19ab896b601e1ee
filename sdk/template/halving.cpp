// Halves the learning rate every so many steps.
#include <trainhost/plugin.hpp>

namespace {

struct Config {
  std::uint64_t every_steps = 100;
};

class Halving final : public trainhost::LrSchedule {
 public:
  explicit Halving(Config config) : config_(config) {}

  void factors(const trainhost::Progress& at, std::span<const double>, std::span<double> out) override {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::exp2(-static_cast<double>((at.step + i) / config_.every_steps));
  }

 private:
  Config config_;
};

}  // namespace

TRAINHOST_PLUGIN(Halving, {
  .kind = "lr_schedule",
  .name = "halving",
  .version = "1.0.0",
  .summary = "halves the learning rate every so many steps",
  .schema = trainhost::schema<Config>().key("every_steps", &Config::every_steps, "steps at one rate", trainhost::at_least(1)),
})
