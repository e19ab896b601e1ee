// Ends a run before its money or time is spent, early enough for a last save.
#include <trainhost/plugin.hpp>

namespace {

using trainhost::PluginError;
using trainhost::Progress;
using trainhost::Verdict;

struct Config {
  std::optional<double> max_cost;   // in the run's currency
  std::optional<double> max_hours;
  double warn_at = 0.8;
  double reserve_seconds = 10.0;    // until a checkpoint has been timed
};

class Budget final : public trainhost::StoppingRule {
 public:
  explicit Budget(Config config) : config_(config), reserve_seconds_(config.reserve_seconds) {
    if (!config.max_cost && !config.max_hours) throw PluginError(TRAINHOST_INVALID_ARGUMENT, "budget: set max_cost, max_hours or both");
  }

  void start() override {
    if (config_.max_cost && host().currency().empty()) throw not_measured();
  }

  Verdict check(const Progress& progress, std::span<const trainhost::Metric> metrics) override {
    for (const auto& metric : metrics)
      if (metric.is_system() && metric.name == "checkpoint_seconds" && std::isfinite(metric.value)) observe_save(metric.value);
    if (config_.max_cost && std::isnan(progress.cost)) throw not_measured();
    const double ahead_seconds =
        reserve_seconds_ + std::max(0.0, progress.seconds - last_seconds_.value_or(progress.seconds));  // the next window, the last save
    last_seconds_ = progress.seconds;
    const double cost_per_second = progress.seconds > 0 ? progress.cost / progress.seconds : 0.0;
    const std::string currency(host().currency());
    if (config_.max_cost && is_spent(progress.cost, cost_per_second * ahead_seconds, *config_.max_cost, currency))
      return Verdict::budget("{:.2f} of {} {} spent after step {}; {:.3g} s are kept for the last save", progress.cost, *config_.max_cost, currency,
                             progress.step, reserve_seconds_);
    if (config_.max_hours && is_spent(progress.seconds / 3600, ahead_seconds / 3600, *config_.max_hours, "hours"))
      return Verdict::budget("{:.2f} of {} hours spent after step {}; {:.3g} s are kept for the last save", progress.seconds / 3600, *config_.max_hours,
                             progress.step, reserve_seconds_);
    return Verdict::go_on();
  }

  void save(trainhost::StateWriter& out) const override { out.put(has_warned_, longest_save_seconds_); }
  void load(trainhost::StateReader& in) override {
    in.get(has_warned_, longest_save_seconds_);
    if (longest_save_seconds_) reserve_seconds_ = *longest_save_seconds_;
  }

 private:
  PluginError not_measured() const {
    return {TRAINHOST_FAILED_PRECONDITION,
            trainhost::format("budget.max_cost is {}, but the cost of this run is not measured; set price_per_hour", *config_.max_cost)};
  }

  // The longest save so far replaces the guess of the config.
  void observe_save(double seconds) {
    longest_save_seconds_ = std::max(seconds, longest_save_seconds_.value_or(0.0));
    reserve_seconds_ = *longest_save_seconds_;
  }

  bool is_spent(double spent, double ahead, double limit, std::string_view unit) {
    if (!has_warned_ && spent >= config_.warn_at * limit) {
      host().log_warning("{:.2f} of {} {} spent: {:.0f} % of the budget", spent, limit, unit, 100 * spent / limit);
      has_warned_ = true;
    }
    return spent + ahead >= limit;
  }

  Config config_;
  double reserve_seconds_;
  std::optional<double> longest_save_seconds_;
  std::optional<double> last_seconds_;
  bool has_warned_ = false;
};

}  // namespace

TRAINHOST_PLUGIN(Budget, {
  .kind = "stopping_rule",
  .name = "budget",
  .version = "1.0.0",
  .summary = "stops before money or time is spent, early enough for a last save",
  .schema = trainhost::schema<Config>()
                .key("max_cost", &Config::max_cost, "most that the run may cost, in its currency; needs price_per_hour", trainhost::greater_than(0), trainhost::no_trajectory)
                .key("max_hours", &Config::max_hours, "longest that the run may take, over all its resumes", trainhost::greater_than(0), trainhost::no_trajectory)
                .key("warn_at", &Config::warn_at, "share of the budget at which the log warns", trainhost::at_least(0), trainhost::at_most(1), trainhost::no_trajectory)
                .key("reserve_seconds", &Config::reserve_seconds, "time kept for the last save until one has been timed", trainhost::at_least(0), trainhost::no_trajectory),
})
