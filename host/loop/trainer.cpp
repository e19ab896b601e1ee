// The training loop. Everything that happens to a model between its first and its last step is called from this page.
#include "loop/trainer.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace trainhost {

Outcome Trainer::train() try {
  std::optional<Outcome> stop = evaluate_what_is_due();  // what a preemption left undone
  if (!stop) stop = ask_rules();
  while (!stop) stop = train_one_window();
  return finish(std::move(*stop));
} catch (const Error& failure) {
  if (failure.code() != ExitCode::kCheckpointUnwritable) save_what_can_be_saved();
  throw;
}

std::optional<Outcome> Trainer::train_one_window() {
  run_window();
  if (!std::exchange(is_begun_, true)) report_first_window();
  if (auto stop = observe_rows(state_.windows > kLag ? state_.windows - kLag : 0)) return stop;  // the instability ladder
  if (auto stop = evaluate_what_is_due()) return stop;
  auto stop = ask_rules();
  if (!stop) save_what_is_due();
  if (!stop) stop = preemption_outcome();
  parts_.reporter.progress(state_, std::exchange(is_line_due_, false));
  return stop;
}

// One attempt at an update. Out of memory retries the same samples in smaller pieces.
void Trainer::run_window() {
  const Ledger::Scope scope(parts_.ledger, Activity::kCompute);
  parts_.rates.fill_ahead(state_, progress());
  WindowShape shape = next_shape();
  for (uint64_t attempt = 1;; ++attempt) {
    try {
      attempt_window(shape);
      break;
    } catch (const OutOfMemory&) {
      parts_.engine.abandon_window();
      const trainhost_window failed{sizeof(trainhost_window), 0, shape.micro_batch_samples, shape.num_micro_batches, shape.target_samples, shape.target_tokens};
      shape.micro_batch_samples = parts_.accumulation_schedule.out_of_memory(failed, attempt);
      parts_.reporter.out_of_memory(state_, attempt, shape.micro_batch_samples);
    }
  }
}

void Trainer::attempt_window(const WindowShape& shape) {
  const WindowCut cut = parts_.data.begin_window(shape);
  parts_.engine.begin_window(state_.windows + 1, cut.max_targets);
  for (size_t i = 0; i < cut.micro_batch_samples.size(); ++i) {
    std::unique_ptr<DeviceBatch> batch;
    {
      const Ledger::Scope waiting(parts_.ledger, Activity::kDataWait);
      parts_.engine.expect_batch();
      batch = parts_.data.next();
    }
    parts_.engine.accumulate(*batch);  // forward and backward under the precision plan
  }
  parts_.engine.apply();  // all-reduce, finite gate, clip, update: no host synchronisation
  parts_.data.commit_window();
  state_.count_window(cut, parts_.data.position());
}

// ---- what surrounds the lines above ----

Trainer::Trainer(TrainerParts parts, TrainerOptions options, RunState state)
    : parts_(parts), options_(std::move(options)), state_(std::move(state)), telemetry_due_(options_.telemetry_every) {
  const Amounts amounts = collected_amounts(state_, options_.scale, parts_.ledger);
  if (options_.checkpoint_every) checkpoint_due_.emplace(*options_.checkpoint_every).restore(amounts);
  telemetry_due_.restore(observed_amounts(state_, options_.scale, parts_.ledger));
  for (const Evaluations::Set& set : parts_.evaluations.sets()) {
    evaluation_due_.emplace_back(set.config.every);
    evaluation_due_.back().restore(amounts);
  }
  saved_window_ = state_.windows;
  saved_seconds_ = parts_.ledger.seconds();
}

WindowShape Trainer::next_shape() {
  const WindowShape& last = state_.shape;
  trainhost_window before{};
  if (last.micro_batch_samples > 0)
    before = {sizeof before, 0, last.micro_batch_samples, last.num_micro_batches, last.target_samples, last.target_tokens};
  const trainhost_window next = parts_.accumulation_schedule.next_window(progress(), before);
  state_.shape = {next.micro_batch_samples, next.num_micro_batches, next.target_samples, next.target_tokens};
  return state_.shape;
}

void Trainer::collect_rows(uint64_t window) {
  for (WindowRow& row : parts_.engine.rows_until(window)) state_.collect(std::move(row));
}

// Waits for the device once: how long it took to get here is worth knowing.
void Trainer::report_first_window() {
  parts_.engine.applied_steps();  // its row is seen in its turn
  parts_.reporter.first_window(state_);
}

std::optional<Outcome> Trainer::observe_rows(uint64_t window) {
  collect_rows(window);
  while (!state_.undelivered.empty() && state_.undelivered.front().window <= window) {
    const WindowRow row = state_.observe_next();
    parts_.reporter.row(state_, row, was_saving(row.window));
    if (telemetry_due_.reached(observed_amounts(state_, options_.scale, parts_.ledger))) {
      parts_.reporter.step(state_);
      is_line_due_ = true;
    }
    parts_.checkpoints.count_health(state_, row);
    if (auto stop = judge_instability(state_.observed, options_.max_skips)) return stop;
  }
  return std::nullopt;
}

// Steps and tokens are known only behind the device; when the windows tried could have reached the interval, the host waits for their rows before it decides.
bool Trainer::is_reached_exactly(Due& due) {
  if (!due.is_due(upper_amounts(state_, options_.scale, parts_.ledger))) return false;
  collect_rows(state_.windows);
  return due.reached(collected_amounts(state_, options_.scale, parts_.ledger));
}

std::optional<Outcome> Trainer::evaluate_what_is_due() {
  for (size_t i = 0; i < evaluation_due_.size(); ++i)
    if (is_reached_exactly(evaluation_due_[i])) make_pending(parts_.evaluations.sets()[i]);
  if (state_.pending_evaluations.empty()) return std::nullopt;
  if (auto stop = observe_rows(state_.windows)) return stop;  // evaluations drain the ring
  evaluate_pending();
  return std::nullopt;
}

void Trainer::make_pending(const Evaluations::Set& set) {
  auto& pending = state_.pending_evaluations;
  if (std::find(pending.begin(), pending.end(), set.config.name) == pending.end()) pending.push_back(set.config.name);
}

void Trainer::evaluate_pending() {
  while (!state_.pending_evaluations.empty()) {
    const auto evaluation = parts_.evaluations.evaluate(state_.pending_evaluations.front());
    if (!evaluation) return;  // preempted: it stays pending, and is done after the resume
    state_.pending_evaluations.erase(state_.pending_evaluations.begin());
    for (const auto& metric : evaluation->result.metrics) evaluation_[evaluation->set + "/" + metric.name] = metric.value;
    const bool is_first_set = evaluation->set == parts_.evaluations.sets().front().config.name;
    const auto loss = find_metric(evaluation->result, "loss");
    const bool is_best = is_first_set && loss && (!state_.best || *loss < state_.best->value);
    if (is_best) state_.best = BestEvaluation{*loss, state_.observed.step};
    parts_.reporter.evaluation(state_, *evaluation, is_best);
  }
  evaluated_window_ = state_.windows;
}

std::optional<Outcome> Trainer::ask_rules() {
  const auto metrics = parts_.reporter.take_metrics();
  const bool has_evaluation = std::any_of(metrics.begin(), metrics.end(), [](const trainhost_metric& metric) { return metric.origin == TRAINHOST_METRIC_EVALUATION; });
  if (has_evaluation) parts_.rates.update(state_, progress(), metrics);
  if (auto stop = parts_.rules.ask(progress(), metrics)) return stop;
  if (!reached_limit(options_.max, upper_amounts(state_, options_.scale, parts_.ledger))) return std::nullopt;
  collect_rows(state_.windows);
  return reached_limit(options_.max, collected_amounts(state_, options_.scale, parts_.ledger));
}

std::optional<Outcome> Trainer::preemption_outcome() const {
  if (!parts_.preemption || !parts_.preemption->is_requested()) return std::nullopt;
  return Outcome{ExitCode::kPreempted, "signal", format("{} received", parts_.preemption->signal_name()), false};
}

bool Trainer::may_save_be_due() const {
  if (checkpoint_due_) return checkpoint_due_->is_due(upper_amounts(state_, options_.scale, parts_.ledger));
  const double seconds = parts_.ledger.seconds();
  const Hazard hazard = estimate_hazard(options_.seconds_between_interruptions, parts_.ledger.num_interruptions(), seconds);
  return seconds - saved_seconds_ >= balanced_interval(parts_.checkpoints.cost(), hazard);
}

bool Trainer::is_save_due() {
  if (checkpoint_due_) return is_reached_exactly(*checkpoint_due_);
  collect_rows(state_.windows);
  return true;
}

// A save that becomes due while one is under way begins when that one has ended, with the state of then.
void Trainer::save_what_is_due() {
  const bool is_free = !parts_.checkpoints.is_saving();
  report_saves();  // what has ended is entered before the next one takes its place
  if (is_free && may_save_be_due()) begin_save();
  report_saves();
}

// The device has its orders to copy before the host waits for it, so that it does not stand still for them; a copy of a state that is not saved is dropped.
void Trainer::begin_save() {
  parts_.checkpoints.begin_copy();
  if (!is_save_due() || is_condemned()) return parts_.checkpoints.drop_copy();
  savings_.push_back({state_.windows, UINT64_MAX});
  parts_.checkpoints.begin(state_, evaluation_);
  saved_window_ = state_.windows;
  saved_seconds_ = parts_.ledger.seconds();
}

bool Trainer::was_saving(uint64_t window) const {
  return std::any_of(savings_.begin(), savings_.end(), [&](const Saving& saving) { return saving.before < window && window <= saving.until; });
}

// Waits until the state as it is now is safe.
bool Trainer::save() {
  collect_rows(state_.windows);
  if (is_condemned()) return false;
  parts_.checkpoints.save(state_, evaluation_);
  saved_window_ = state_.windows;
  return report_saves();
}

bool Trainer::report_saves() {
  const Checkpoints::News news = parts_.checkpoints.take_news(state_);
  bool is_sound = true;
  std::erase_if(savings_, [&](const Saving& saving) { return saving.until < state_.observed.window; });
  if (!news.saved.empty() && !savings_.empty()) savings_.back().until = std::min(savings_.back().until, state_.windows);
  for (const Checkpoints::Saved& saved : news.saved) {
    parts_.reporter.checkpoint(state_, saved);
    is_sound = saved.report.problem.empty();
  }
  for (const std::string& id : news.good) parts_.reporter.checkpoint_good(state_, id);
  return is_sound;
}

// Whether the rows that no decision has seen yet will end the run: such a state is never saved.
bool Trainer::is_condemned() const {
  RunState ahead = state_;
  while (!ahead.undelivered.empty()) {
    ahead.observe_next();
    if (judge_instability(ahead.observed, options_.max_skips)) return true;
  }
  return false;
}

// An error inside a window has left weights and counters where the last whole window put them: that state is worth keeping.
void Trainer::save_what_can_be_saved() noexcept try {
  parts_.checkpoints.drain();
  report_saves();
  if (saved_window_ == state_.windows) return;
  parts_.engine.abandon_window();
  if (save()) log_info("saved step {} before the run ends", state_.collected_step());
} catch (const std::exception& failure) {
  log_warning("the last {} windows could not be saved: {}", state_.windows - saved_window_, failure.what());
}

Outcome Trainer::finish(Outcome outcome) {
  collect_rows(state_.windows);
  const bool is_finished = outcome.code == ExitCode::kDone || outcome.code == ExitCode::kBudget;
  if (is_finished) {
    if (auto condemned = observe_rows(state_.windows)) outcome = std::move(*condemned);
  }
  if (outcome.code == ExitCode::kDone && options_.evaluates_at_end && evaluated_window_ != state_.windows) {
    for (const Evaluations::Set& set : parts_.evaluations.sets()) make_pending(set);
    evaluate_pending();
    if (!state_.pending_evaluations.empty()) outcome = *preemption_outcome();
  }
  const bool is_worth_saving = outcome.code != ExitCode::kDiverged;  // never a checkpoint of a window that the ladder has condemned
  parts_.checkpoints.drain();
  report_saves();
  if (is_worth_saving && saved_window_ != state_.windows) save();
  parts_.reporter.step(state_);
  parts_.reporter.finish(state_);
  if (outcome.code == ExitCode::kPreempted) parts_.reporter.preempted(state_, parts_.preemption->signal_name());
  parts_.reporter.stop(state_, outcome);
  return outcome;
}

trainhost_progress Trainer::progress() const { return make_progress(state_, options_.scale, parts_.ledger); }

}  // namespace trainhost
