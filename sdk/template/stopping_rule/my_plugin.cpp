// Stops the run when its smoothed training loss has reached a target.
//
// A rule is asked after every window and after every evaluation, and looks at numbers only. Its verdict follows from what it is told and from its own
// state, so that a resumed run stops where the first one would have. It never latches: the next call may say something else.
#include <trainhost/plugin.hpp>

namespace {

using trainhost::Verdict;

struct Config {
  double target = 0;
};

class MyPlugin final : public trainhost::StoppingRule {
 public:
  explicit MyPlugin(Config config) : config_(config) {}

  // metrics are those that came since the last call, each handed over once: evaluations with the name of their set, and a standard error where one is
  // known. What the run has not measured is NaN. The reason is shown to the user and stays in the run's log: say the numbers.
  Verdict check(const trainhost::Progress& progress, std::span<const trainhost::Metric>) override {
    if (std::isnan(progress.loss_ema) || progress.loss_ema > config_.target) return Verdict::go_on();
    return Verdict::done("the smoothed loss {:.4g} has reached {:.4g} at step {}", progress.loss_ema, config_.target, progress.step);
  }

 private:
  Config config_;
};

}  // namespace

// no_trajectory: the key does not change the numbers of a run, so a resume may set it anew. required: it has no default, the user must set it.
TRAINHOST_PLUGIN(MyPlugin, {
  .kind = "stopping_rule",
  .name = "my_plugin",
  .version = "1.0.0",
  .summary = "stops when the smoothed training loss has reached a target",
  .schema = trainhost::schema<Config>()
                .key("target", &Config::target, "loss at which the run is done", trainhost::no_trajectory)
                .required("target"),
})
