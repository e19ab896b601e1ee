// 2N windows equal N, a new process, N: the same samples, rates, decisions and events, whatever windows were skipped and wherever the process ended.
#include <rapidcheck.h>
#include <boost/test/unit_test.hpp>

#include <set>

#include "loop/testing/test_run.h"

using namespace trainhost;
using namespace trainhost::testing;

BOOST_AUTO_TEST_SUITE(resume_test)

namespace {

// What a case is made of.
struct Plan {
  std::set<uint64_t> skipped;
  std::string max, evaluate_every, checkpoint_every;
  uint64_t stop_at_digest = 0;  // the rule stops where its digest of metrics is a multiple of it
};

// All that two runs of one plan must agree in.
struct Trace {
  uint64_t digest = 0, windows = 0;
  std::string reason;
  std::map<uint64_t, std::vector<uint64_t>> ids;
  std::map<uint64_t, double> rates;
  std::vector<std::pair<uint64_t, double>> evaluations;
  std::vector<uint64_t> rule_state;
  friend bool operator==(const Trace&, const Trace&) = default;
};

void prepare(TestRun& run, const Plan& plan) {
  run.max = {interval(plan.max)};
  run.evaluate_every = plan.evaluate_every;
  run.checkpoint_every = plan.checkpoint_every;
  run.max_skips = 6;
  run.engine.fate = [plan](uint64_t window) { return plan.skipped.contains(window) ? FakeEngine::Fate::kNotFinite : FakeEngine::Fate::kApplied; };
  // Remembers every value of training and evaluation that it was ever given, and judges by the newest rows.
  run.rule.check = [&run, plan](const trainhost_progress& progress, FakeRule::Metrics metrics) {
    if (run.rule.state.empty()) run.rule.state = {1};
    bool has_news = false;
    for (const trainhost_metric& metric : metrics) {
      if (metric.origin == TRAINHOST_METRIC_SYSTEM) continue;  // how long a checkpoint took
      has_news = true;
      run.rule.state[0] = mixed(run.rule.state[0], mixed(metric.step, std::bit_cast<uint64_t>(metric.value)));
    }
    const uint64_t seen = mixed(run.rule.state[0], mixed(progress.step, progress.targets));
    const bool is_over = has_news && seen % plan.stop_at_digest == 0;
    return FakeRule::Answer{is_over ? TRAINHOST_STOP_DONE : TRAINHOST_STOP_NO};
  };
  // A schedule that answers to evaluations: its factors depend on the newest one.
  run.rates.changes_at = [&run](const trainhost_metric& metric) {
    if (metric.origin != TRAINHOST_METRIC_EVALUATION) return false;
    run.rates.state = {std::bit_cast<uint64_t>(metric.value) % 5};
    return true;
  };
  run.rates.factor = [&run](uint64_t step) { return 1.0 / static_cast<double>(step + 1 + (run.rates.state.empty() ? 0 : run.rates.state[0])); };
}

void add(Trace& trace, const TestRun& run) {
  trace.ids.insert(run.engine.ids.begin(), run.engine.ids.end());
  for (const auto& [window, row] : run.engine.rows) trace.rates[window] = row.learning_rate;
  for (const Event& event : run.events_of("evaluation")) trace.evaluations.emplace_back(event.details.at("step"), event.metrics.at(0).value);
}

void finish(Trace& trace, TestRun& run, const Outcome& outcome) {
  trace.digest = run.engine.digest();
  trace.windows = run.state.windows;
  trace.reason = outcome.reason;
  trace.rule_state = run.rule.state;
}

// One run, killed without warning inside of each of these windows, and in these batches of its evaluations, counted over all processes; a later process
// finds only what is on the disk.
Trace trace_of(const Plan& plan, std::set<uint64_t> windows, std::set<uint64_t> evaluation_batches) {
  MemoryStore disk;
  Trace trace;
  uint64_t num_batches = 0;
  for (;;) {
    TestRun run(disk);
    prepare(run, plan);
    run.engine.before_apply = [&](uint64_t window) {
      if (windows.erase(window) > 0) throw Killed{};
    };
    run.engine.during_evaluation = [&] {
      if (evaluation_batches.erase(++num_batches) > 0) throw Killed{};
    };
    try {
      const Outcome outcome = run.train();
      add(trace, run);
      finish(trace, run, outcome);
      return trace;
    } catch (const Killed&) {
      add(trace, run);
    }
  }
}

std::set<uint64_t> numbers_to(uint64_t end, const std::vector<uint64_t>& values) {
  std::set<uint64_t> numbers;
  for (const uint64_t value : values) numbers.insert(1 + value % end);
  return numbers;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_killed_run_decides_as_one_that_was_not) {
  const bool holds = rc::check([] {
    Plan plan;
    plan.skipped = numbers_to(60, *rc::gen::container<std::vector<uint64_t>>(rc::gen::arbitrary<uint64_t>()));
    plan.max = *rc::gen::element<std::string>("40step", "600token", "47window", "2.5epoch", "1000sample");
    plan.evaluate_every = *rc::gen::element<std::string>("7step", "100token", "5window", "0.3epoch");
    plan.checkpoint_every = *rc::gen::element<std::string>("3step", "130token", "4window", "0.2epoch");
    plan.stop_at_digest = *rc::gen::element<uint64_t>(3, 20, 1000000);
    const auto few = rc::gen::resize(4, rc::gen::container<std::vector<uint64_t>>(rc::gen::arbitrary<uint64_t>()));
    const auto windows = numbers_to(60, *few), batches = numbers_to(30, *few);
    Trace straight = trace_of(plan, {}, {}), resumed = trace_of(plan, windows, batches);
    // A process that was killed has told of evaluations that the next one does again.
    for (Trace* trace : {&straight, &resumed}) {
      std::sort(trace->evaluations.begin(), trace->evaluations.end());
      trace->evaluations.erase(std::unique(trace->evaluations.begin(), trace->evaluations.end()), trace->evaluations.end());
    }
    RC_TAG(windows.size() + batches.size());
    RC_ASSERT(resumed.reason == straight.reason);
    RC_ASSERT(resumed.windows == straight.windows);
    RC_ASSERT(resumed.digest == straight.digest);
    RC_ASSERT(resumed.ids == straight.ids);
    RC_ASSERT(resumed.rates == straight.rates);
    RC_ASSERT(resumed.evaluations == straight.evaluations);
    RC_ASSERT(resumed.rule_state == straight.rule_state);
  });
  BOOST_TEST(holds);
}

BOOST_AUTO_TEST_CASE(each_process_tells_when_its_first_window_has_passed) {
  MemoryStore disk;
  TestRun first(disk), second(disk);
  first.max = {interval("5step")};
  first.train();
  second.train();
  BOOST_TEST((first.numbers("first_window", "window") == std::vector<uint64_t>{1}));
  BOOST_TEST((second.numbers("first_window", "window") == std::vector<uint64_t>{6}));
  for (const TestRun* run : {&first, &second}) BOOST_TEST(run->events_of("first_window").front().details.at("seconds") > 0.0);
}

BOOST_AUTO_TEST_SUITE_END()
