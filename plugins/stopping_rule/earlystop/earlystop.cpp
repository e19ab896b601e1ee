// Ends a run when an evaluation metric has stopped improving by more than its own noise, or has reached a target.
#include <trainhost/plugin.hpp>

namespace {

struct Config {
  std::string metric = "loss";
  std::string set = "heldout";
  std::string mode = "min";
  int patience = 5;               // evaluations
  int warmup = 0;                 // evaluations
  double min_delta = 0.0;         // in units of the metric
  double num_errors = 1.0;        // an improvement must exceed this many standard errors
  std::optional<double> target;   // in units of the metric
  bool restore_best = true;
};

class EarlyStop final : public trainhost::StoppingRule {
 public:
  explicit EarlyStop(Config config) : config_(std::move(config)) {}

  trainhost::Verdict check(const trainhost::Progress&, std::span<const trainhost::Metric> metrics) override {
    for (const auto& metric : metrics)
      if (metric.is_evaluation() && metric.name == config_.metric && metric.set == config_.set) observe(metric);
    if (is_target_reached_) return trainhost::Verdict::done("{} {:.4g} has reached the target {:.4g}", config_.metric, sign() * last_, *config_.target);
    if (num_without_gain_ < config_.patience) return trainhost::Verdict::go_on();
    return trainhost::Verdict::done("{} {:.4g} has not improved by {:.2g} for {} evaluations", config_.metric, sign() * best_, margin_, num_without_gain_)
        .restore_best(config_.restore_best);
  }

  void save(trainhost::StateWriter& out) const override { out.put(best_, last_, margin_, num_seen_, num_without_gain_, is_target_reached_); }
  void load(trainhost::StateReader& in) override { in.get(best_, last_, margin_, num_seen_, num_without_gain_, is_target_reached_); }

 private:
  double sign() const { return config_.mode == "max" ? -1.0 : 1.0; }  // inside of this class smaller is better

  // A gain smaller than the noise of the evaluation is no gain: otherwise patience never runs out on a plateau.
  void observe(const trainhost::Metric& metric) {
    last_ = sign() * metric.value;
    is_target_reached_ = config_.target && last_ <= sign() * *config_.target;
    if (++num_seen_ <= config_.warmup || !std::isfinite(last_)) return;  // values that are not finite are the ladder's business
    margin_ = std::max(config_.min_delta, config_.num_errors * metric.standard_error_or(0.0));
    const bool is_gain = last_ < best_ - margin_;
    num_without_gain_ = is_gain ? 0 : num_without_gain_ + 1;
    if (is_gain) best_ = last_;  // moves only with a real gain, so that a slow but steady slope adds up
  }

  Config config_;
  double best_ = std::numeric_limits<double>::infinity();
  double last_ = std::numeric_limits<double>::infinity();
  double margin_ = 0.0;
  int num_seen_ = 0;
  int num_without_gain_ = 0;
  bool is_target_reached_ = false;
};

}  // namespace

TRAINHOST_PLUGIN(EarlyStop, {
  .kind = "stopping_rule",
  .name = "earlystop",
  .version = "1.0.0",
  .summary = "stops when a metric no longer improves by more than its noise",
  .schema = trainhost::schema<Config>()
                .key("metric", &Config::metric, "name of the evaluation metric", trainhost::no_trajectory)
                .key("set", &Config::set, "evaluation set", trainhost::no_trajectory)
                .key("mode", &Config::mode, "whether a smaller or a larger value is better", trainhost::one_of("min", "max"), trainhost::no_trajectory)
                .key("patience", &Config::patience, "evaluations without a gain before the run ends", trainhost::at_least(1), trainhost::no_trajectory)
                .key("warmup", &Config::warmup, "first evaluations that do not count", trainhost::at_least(0), trainhost::no_trajectory)
                .key("min_delta", &Config::min_delta, "smallest gain that counts, in units of the metric", trainhost::at_least(0), trainhost::no_trajectory)
                .key("num_errors", &Config::num_errors, "standard errors that a gain must exceed", trainhost::at_least(0), trainhost::no_trajectory)
                .key("target", &Config::target, "stop as soon as the metric is as good as this", trainhost::no_trajectory)
                .key("restore_best", &Config::restore_best, "end on the weights of the best evaluation when patience runs out", trainhost::no_trajectory),
})
