// A trainer over fakes: the real loop, data pipeline, checkpoints and telemetry, with an engine, a clock and a disk made of test code.
#pragma once
#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "checkpoint/test_store.h"
#include "loop/testing/fake_engine.h"
#include "loop/testing/fake_plugins.h"
#include "loop/trainer.h"
#include "telemetry/console.h"
#include "telemetry/telemetry.h"

namespace trainhost::testing {

inline Interval interval(const std::string& text) { return parse_interval(text, "test"); }

/// The events of a run, in order.
class Recorded final : public EventSink {
 public:
  explicit Recorded(std::vector<Event>& events) : events_(events) {}
  std::string name() const override { return "test"; }
  void on_event(const Event& event) override { events_.push_back(event); }

 private:
  std::vector<Event>& events_;
};

/// Source whose samples are their ids.
inline void make_ids(FakeSource& source, uint64_t num_samples) {
  source.num_samples = num_samples;
  source.fields = {{"x", TRAINHOST_FIELD_INPUT, kInt64, {1}, {}}, {"y", TRAINHOST_FIELD_TARGET, kInt32, {3}, {}}};
  source.value = [](uint64_t id, uint64_t, size_t, size_t) { return static_cast<int64_t>(id); };
}

/// One process of a run. Set the public members, then call train() once. `disk` is what the next process finds.
class TestRun {
 public:
  explicit TestRun(MemoryStore& disk_of_run) : disk(disk_of_run), hooked(disk_of_run) {
    make_ids(source, 100);
    make_ids(heldout, 12);
    set_log_level(LogLevel::kError);
  }

  MemoryStore& disk;
  HookedStore hooked;
  FakeSource source, heldout;
  FakeEngine engine;
  FakeAccumulation accumulation;
  FakeRates rates;
  FakeRule rule, other_rule{"other"};
  double seconds = 0;  // what the clock says

  std::vector<Interval> max{interval("20step")};
  std::string evaluate_every = "1000window", checkpoint_every = "1000window", telemetry_every = "1000window";
  std::optional<double> seconds_between_interruptions;  // with checkpoint_every "auto"
  uint64_t max_skips = 4, good_after = 3, keep_last = 1000, num_evaluation_sets = 1;
  uint64_t schedule_length = 0;
  SaveMode save_mode = SaveMode::kSync;
  bool evaluates_at_end = true;
  Preemption* preemption = nullptr;
  std::optional<double> price_per_hour;

  // After train().
  std::vector<Event> events;
  RunState state;
  uint64_t restored_window = 0;

  /// Goes on from the newest checkpoint on the disk, if there is one. Throws what the trainer throws; `state` and `events` are set all the same.
  Outcome train() {
    Telemetry telemetry(nullptr, 1 << 20);
    telemetry.add_observer(std::make_unique<Recorded>(events));
    const std::shared_ptr<void> delivers_events(nullptr, [&](void*) { telemetry.stop(); });
    return train_with(telemetry);
  }

  std::vector<Event> events_of(const std::string& name) const {
    std::vector<Event> found;
    for (const Event& event : events)
      if (event.name == name) found.push_back(event);
    return found;
  }
  /// One number of each event of a name.
  std::vector<uint64_t> numbers(const std::string& name, const std::string& field) const {
    std::vector<uint64_t> found;
    for (const Event& event : events_of(name)) found.push_back(event.details.at(field));
    return found;
  }
  std::vector<CheckpointInfo> checkpoints() { return CheckpointStore(disk, small_options()).list(); }
  /// Steps applied, and targets counted, up to a window, as the engine knows them.
  uint64_t steps_at(uint64_t window) const { return window == 0 ? 0 : engine.rows.at(window).step; }
  uint64_t targets_at(uint64_t window) const {
    double targets = 0;
    for (const auto& [number, row] : engine.rows)
      if (number <= window && std::isfinite(row.count)) targets += row.count;
    return static_cast<uint64_t>(targets);
  }

 private:
  Outcome train_with(Telemetry& telemetry) {
    Ledger ledger({price_per_hour, "usd", [this] { return seconds; }, 0.0});
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    const std::shared_ptr<void> closes(nullptr, [nowhere](void*) { ::close(nowhere); });
    Console::Options quiet;
    quiet.is_quiet = true, quiet.error_handle = quiet.answer_handle = nowhere;
    Console console(quiet);
    StoreOptions store_options = small_options();
    store_options.keep_last = keep_last;
    CheckpointStore store(hooked, store_options);
    RunState initial = restore(store, ledger);

    DataPipeline data(source.source(), {.seed = 5, .threads = 2, .prefetch_batches = 3}, engine);
    data.seek(initial.position);
    AccumulationSchedule accumulation_schedule(accumulation.instance());
    LrSchedule lr_schedule(rates.instance());
    Rates rate_table(lr_schedule, engine, schedule_length);
    std::vector<StoppingRule> stopping_rules;
    for (FakeRule* each : {&rule, &other_rule}) stopping_rules.emplace_back(each->instance());
    Rules rules(std::move(stopping_rules));
    const RunScale scale{source.num_samples, run_length(max)};
    std::vector<Evaluations::Set> sets;
    for (uint64_t i = 0; i < num_evaluation_sets; ++i) sets.push_back({{i == 0 ? "heldout" : "other", interval(evaluate_every), 0, 0}, &heldout.source(), 4});
    Evaluations::Options evaluation_options;
    if (preemption) evaluation_options.is_cancelled = [this] { return preemption->is_requested(); };
    Evaluations evaluations(sets, engine, ledger, evaluation_options);
    Checkpoints checkpoints(store, engine, {&accumulation.instance(), &rates.instance(), &rule.instance(), &other_rule.instance()}, ledger,
                            {nlohmann::json::object(), "hash", ""}, {good_after, save_mode});
    Reporter reporter(telemetry, console, ledger, {scale, max, [this] { return engine.metric_names(); }, &data});
    ledger.finish_start_up();
    Trainer trainer({engine, data, accumulation_schedule, rate_table, rules, evaluations, checkpoints, reporter, ledger, preemption},
                    {max, max_skips, checkpoint_every == "auto" ? std::nullopt : std::optional(interval(checkpoint_every)), interval(telemetry_every), scale, evaluates_at_end,
                     seconds_between_interruptions},
                    std::move(initial));
    const std::shared_ptr<void> keeps_state(nullptr, [&](void*) { state = trainer.state(); });
    return trainer.train();
  }

  RunState restore(CheckpointStore& store, Ledger& ledger) {
    auto loaded = store.load_newest_verified();
    RunState initial;
    if (loaded) {
      RestoredRun run = unpack(std::move(*loaded));
      for (FakePlugin* plugin : plugins())
        for (const PluginState& saved : run.checkpoint.plugin_states)
          if (saved.name == plugin->instance().full_name()) State(plugin->instance()).load(saved.version, saved.bytes);
      engine.restore(run.checkpoint.weights, run.checkpoint.optimizer, run.checkpoint.engine);
      ledger.restore_json(run.ledger);
      initial = std::move(run.state);
      restored_window = initial.windows;
    }
    for (FakePlugin* plugin : plugins()) plugin->start();
    return initial;
  }
  std::vector<FakePlugin*> plugins() { return {&accumulation, &rates, &rule, &other_rule}; }
};

}  // namespace trainhost::testing
