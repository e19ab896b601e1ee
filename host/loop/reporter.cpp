// From the loop's numbers to events, lines and metrics.
#include "loop/reporter.h"

#include <cmath>

#include "base/clock.h"
#include "base/log.h"

namespace trainhost {
namespace {

constexpr double kLedgerEverySeconds = 10;

trainhost_string view(const std::string& text) { return {text.data(), text.size()}; }

Event make_event(std::string name, const trainhost_progress& progress, nlohmann::ordered_json details) {
  Event event;
  event.name = std::move(name);
  event.details = std::move(details);
  event.progress = progress;
  return event;
}

}  // namespace

Reporter::Reporter(Telemetry& telemetry, Console& console, Ledger& ledger, Options options)
    : telemetry_(telemetry), console_(console), ledger_(ledger), options_(std::move(options)), data_bill_(ledger.seconds()) {}

void Reporter::row(const RunState& state, const WindowRow& row, bool is_saving) {
  if (std::isfinite(row.seconds)) step_times_.add(row.seconds, is_saving);
  data_bill_.add(row);
  if (row.is_applied) {
    Metric metric;
    metric.step = row.step;
    metric.name = "loss";
    metric.value = row.loss_sum / row.count;
    add_metric(metric);
    metric.name = "gradient_norm";
    metric.value = row.gradient_norm;
    add_metric(metric);
    row_metrics_.clear();
    for (const double sum : row.metrics) row_metrics_.push_back(sum / row.count);
    return;
  }
  const char* reason = row.count == 0 ? "no target counts in this window" : "loss or gradient is not finite";
  telemetry_.publish(make_event("skipped", make_progress(state, options_.scale, ledger_),
                                {{"step", row.step}, {"window", row.window}, {"reason", reason}, {"in_a_row", state.observed.skips_in_a_row}}));
}

void Reporter::evaluation(const RunState& state, const SetEvaluation& evaluation, bool is_best) {
  const trainhost_progress progress = make_progress(state, options_.scale, ledger_);
  data_bill_.leave_out(evaluation.seconds);
  if (evaluation.threads) publish_threads(evaluation.set, *evaluation.threads);
  EvaluationView shown{evaluation.set, state.observed.step, {}, evaluation.seconds, is_best};
  for (const auto& value : evaluation.result.metrics) {
    Metric metric{value.name, evaluation.set, value.value, value.standard_error, state.observed.step, TRAINHOST_METRIC_EVALUATION};
    telemetry_.publish(evaluation_event(progress, metric));
    add_metric(std::move(metric));
    shown.values.push_back({value.name, value.value, value.standard_error});
  }
  console_.evaluation(shown);
  if (!heldout_name_.empty() && heldout_name_ != evaluation.set) return;  // the line has room for one set: the first
  heldout_name_ = evaluation.set;
  heldout_loss_ = find_metric(evaluation.result, "loss");
}

void Reporter::checkpoint(const RunState& state, const Checkpoints::Saved& saved) {
  const SaveReport& report = saved.report;
  if (!report.problem.empty()) {
    log_warning("checkpoint at step {} not saved: {}; the older ones stay", report.info.step, report.problem);
    return;
  }
  const trainhost_progress progress = make_progress(state, options_.scale, ledger_);
  const auto number = [](double value) { return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr); };
  const StepTimes::Report times = step_times_.take();
  data_bill_.leave_out(saved.blocking_seconds);
  telemetry_.publish(make_event("checkpoint_saved", progress,
                                {{"step", report.info.step}, {"window", report.info.window}, {"key", report.info.id}, {"bytes", report.bytes},
                                 {"seconds", saved.blocking_seconds}, {"copy_seconds", saved.copy_seconds}, {"write_seconds", report.write_seconds},
                                 {"commit_seconds", report.commit_seconds}, {"window_p50_during", number(times.during.p50)},
                                 {"window_p99_during", number(times.during.p99)}, {"window_p50_outside", number(times.outside.p50)},
                                 {"window_p99_outside", number(times.outside.p99)}}));
  telemetry_.publish(make_event("checkpoint_verified", progress, {{"step", report.info.step}, {"key", report.info.id}, {"seconds", report.verify_seconds}}));
  Metric seconds;
  seconds.name = "checkpoint_seconds";
  seconds.value = report.write_seconds + report.commit_seconds + report.verify_seconds;
  seconds.step = report.info.step;
  seconds.origin = TRAINHOST_METRIC_SYSTEM;
  add_metric(std::move(seconds));
}

void Reporter::checkpoint_good(const RunState& state, const std::string& id) {
  telemetry_.publish(make_event("checkpoint_good", make_progress(state, options_.scale, ledger_), {{"step", state.observed.step}, {"key", id}}));
}

void Reporter::first_window(const RunState& state) {
  telemetry_.publish(make_event("first_window", make_progress(state, options_.scale, ledger_), {{"window", state.windows}, {"seconds", monotonic_seconds() - process_start_seconds()}}));
}

void Reporter::step(const RunState& state) {
  if (state.observed.window == logged_window_) return;
  logged_window_ = state.observed.window;
  std::vector<Metric> extra;
  const std::vector<std::string> names = options_.metric_names();
  for (size_t i = 0; i < row_metrics_.size() && i < names.size(); ++i) {
    Metric metric;
    metric.name = names[i];
    metric.value = row_metrics_[i];
    metric.step = state.observed.step;
    extra.push_back(std::move(metric));
  }
  const trainhost_progress progress = make_progress(state, options_.scale, ledger_);
  telemetry_.publish(step_event(progress, StepRates{throughput_.tokens_per_second(), throughput_.data_wait_ratio()}, extra));
  publish_data_waits(progress);
}

void Reporter::publish_data_waits(const trainhost_progress& progress) {
  if (!options_.data) return;
  auto waits = data_bill_.take_waits(options_.data->report());
  if (!waits) return;
  nlohmann::ordered_json details = {{"step", progress.step}};
  details.update(*waits);
  telemetry_.publish(make_event("data_wait", progress, std::move(details)));
}

void Reporter::publish_threads(const std::string& set, const ThreadChoice& choice) {
  Event event;
  event.name = "data_threads";
  event.details = {{"set", set}, {"threads", choice.threads}, {"before", choice.before}, {"thread_seconds", choice.thread_seconds}, {"use_seconds", choice.use_seconds}, {"most", choice.most}};
  telemetry_.publish(std::move(event));
  log_debug("data set {}: {} reading threads instead of {}: a sample takes {:.3g} ms of a thread and is used in {:.3g} ms; the cores allow {}", set, choice.threads, choice.before,
            1e3 * choice.thread_seconds, 1e3 * choice.use_seconds, choice.most);
}

DataSummary Reporter::data_summary() const { return options_.data ? data_bill_.summary(options_.data->report(), ledger_.seconds()) : DataSummary{}; }

void Reporter::progress(const RunState& state, bool is_due) {
  const Amounts amounts = collected_amounts(state, options_.scale, ledger_);
  std::vector<double> fractions;
  for (const Interval& limit : options_.max) fractions.push_back(amount_of(amounts, limit) / limit.base_amount());
  throughput_.add(amounts.seconds, static_cast<double>(amounts.tokens), ledger_.seconds_in(Activity::kDataWait), fractions);
  if (console_.wants_progress(is_due)) console_.progress(progress_line(state), is_due);
  if (options_.data)
    for (const ThreadChoice& choice : options_.data->take_thread_choices()) publish_threads("train", choice);
  if (amounts.seconds - ledger_published_seconds_ >= kLedgerEverySeconds) publish_ledger();
}

void Reporter::finish(const RunState& state) { console_.progress(progress_line(state), true); }

void Reporter::publish_ledger() {
  Event event;
  event.name = "ledger";
  event.details = report_json(ledger_.report());
  event.details["state"] = ledger_.to_json();
  telemetry_.publish(std::move(event));
  ledger_published_seconds_ = ledger_.seconds();
}

ProgressLine Reporter::progress_line(const RunState& state) const {
  const trainhost_progress now = make_progress(state, options_.scale, ledger_);
  ProgressLine line;
  line.step = now.step;
  line.skipped_windows = now.skipped_windows;
  if (options_.scale.length && options_.scale.length->unit == Unit::kStep) line.max_steps = static_cast<uint64_t>(options_.scale.length->amount);
  line.fraction = now.fraction;
  line.loss = now.loss;
  if (heldout_loss_) {
    line.heldout_name = heldout_name_;
    line.heldout_loss = *heldout_loss_;
  }
  line.learning_rate = now.learning_rate;
  line.tokens_per_second = throughput_.tokens_per_second();
  line.data_wait_ratio = throughput_.data_wait_ratio();
  line.data_wait_stage = data_bill_.limiting_stage();
  line.elapsed_seconds = now.seconds;
  line.seconds_left = throughput_.seconds_left();
  line.cost = ledger_.cost();
  line.currency = ledger_.currency();
  for (const Interval& limit : options_.max)
    if (limit.unit == Unit::kMoney) line.max_cost = limit.amount;
  return line;
}

void Reporter::out_of_memory(const RunState& state, uint64_t attempt, uint64_t micro_batch_samples) {
  telemetry_.publish(make_event("out_of_memory", make_progress(state, options_.scale, ledger_),
                                {{"step", state.collected_step()}, {"window", state.windows + 1}, {"micro_batch_samples", micro_batch_samples}, {"attempt", attempt}}));
}

void Reporter::preempted(const RunState& state, const std::string& signal) {
  telemetry_.publish(make_event("preempted", make_progress(state, options_.scale, ledger_), {{"step", state.collected_step()}, {"signal", signal}}));
}

void Reporter::stop(const RunState& state, const Outcome& outcome) {
  telemetry_.publish(make_event("stop", make_progress(state, options_.scale, ledger_),
                                {{"step", state.collected_step()}, {"rule", outcome.rule}, {"reason", outcome.reason}}));
}

void Reporter::add_metric(Metric metric) { fresh_.push_back(std::move(metric)); }

std::span<const trainhost_metric> Reporter::take_metrics() {
  handed_out_ = std::move(fresh_);
  fresh_.clear();
  views_.clear();
  for (const Metric& metric : handed_out_)
    views_.push_back({view(metric.name), view(metric.set), metric.value, metric.standard_error, metric.step, metric.origin, 0});
  return views_;
}

}  // namespace trainhost
