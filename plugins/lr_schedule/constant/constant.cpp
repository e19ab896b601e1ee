// The base learning rate, unchanged.
#include <trainhost/plugin.hpp>

namespace {

class Constant final : public trainhost::LrSchedule {
 public:
  void factors(const trainhost::Progress&, std::span<const double>, std::span<double> out) override { std::fill(out.begin(), out.end(), 1.0); }
};

}  // namespace

TRAINHOST_PLUGIN(Constant, {
  .kind = "lr_schedule",
  .name = "constant",
  .version = "1.0.0",
  .summary = "the base learning rate, unchanged",
})
