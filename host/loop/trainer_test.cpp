// The loop's clockwork: which rows a decision sees, and that limits and intervals are exact.
#include "loop/trainer.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <set>

#include "loop/testing/test_run.h"

using namespace trainhost;
using namespace trainhost::testing;

namespace {

using Fate = FakeEngine::Fate;

// A run whose windows of this set are not finite.
struct TrainerFixture {
  MemoryStore disk;
  TestRun run{disk};
  std::set<uint64_t> skipped{3, 7, 18, 20, 21};

  TrainerFixture() {
    run.engine.fate = [this](uint64_t window) { return skipped.contains(window) ? Fate::kNotFinite : Fate::kApplied; };
  }
  // The first window at whose end `amount` of the engine's own count is reached.
  uint64_t window_reaching(uint64_t amount, uint64_t (TestRun::*count)(uint64_t) const) const {
    uint64_t window = 0;
    while ((run.*count)(window) < amount) ++window;
    return window;
  }
};

uint64_t code(const Outcome& outcome) { return static_cast<uint64_t>(outcome.code); }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(trainer_test, TrainerFixture)

BOOST_AUTO_TEST_CASE(a_decision_sees_the_rows_up_to_eight_windows_before_and_no_more) {
  run.max = {interval("40window")};
  run.evaluates_at_end = false;
  uint64_t asked = 0;
  run.rule.check = [&](const trainhost_progress& progress, FakeRule::Metrics) {
    const uint64_t seen = progress.windows > 8 ? progress.windows - 8 : 0;
    BOOST_TEST(progress.windows == asked++);
    BOOST_TEST(progress.observed_window == seen);
    BOOST_TEST(progress.step == run.steps_at(seen));
    BOOST_TEST(progress.skipped_windows == seen - run.steps_at(seen));
    BOOST_TEST(progress.targets == run.targets_at(seen));
    if (seen > 0 && !skipped.contains(seen)) BOOST_TEST(progress.loss == run.engine.rows.at(seen).loss_sum / run.engine.rows.at(seen).count);
    BOOST_TEST(run.engine.newest_row_asked == seen);
    return FakeRule::Answer{};
  };
  run.train();
  BOOST_TEST(asked == 41u);
}

BOOST_AUTO_TEST_CASE(each_metric_is_handed_over_once_and_in_order) {
  std::vector<uint64_t> steps;
  run.evaluate_every = "5step";
  run.rule.check = [&](const trainhost_progress&, FakeRule::Metrics metrics) {
    for (const trainhost_metric& metric : metrics)
      if (metric.origin == TRAINHOST_METRIC_TRAIN && std::string_view(metric.name.data, metric.name.length) == "loss") steps.push_back(metric.step);
    return FakeRule::Answer{};
  };
  run.train();
  BOOST_REQUIRE(steps.size() == 20u);
  for (uint64_t i = 0; i < 20; ++i) BOOST_TEST(steps[i] == i + 1);
}

BOOST_AUTO_TEST_CASE(an_evaluation_drains_the_ring) {
  run.evaluate_every = "10window";
  bool has_evaluation = false;
  run.rule.check = [&](const trainhost_progress& progress, FakeRule::Metrics metrics) {
    for (const trainhost_metric& metric : metrics) {
      if (metric.origin != TRAINHOST_METRIC_EVALUATION) continue;
      has_evaluation = true;
      BOOST_TEST(progress.observed_window == progress.windows);
      BOOST_TEST(metric.step == run.steps_at(progress.windows));
    }
    return FakeRule::Answer{};
  };
  run.train();
  BOOST_TEST(has_evaluation);
}

BOOST_AUTO_TEST_CASE(a_limit_in_steps_is_exact_when_windows_were_skipped) {
  run.max = {interval("20step")};
  const Outcome outcome = run.train();
  BOOST_TEST(code(outcome) == 0u);
  BOOST_TEST(outcome.reason == "max = 20step is reached");
  BOOST_TEST(run.engine.applied_steps() == 20u);
  BOOST_TEST(run.state.windows == 25u);  // five of them were skipped
}

BOOST_AUTO_TEST_CASE(a_limit_in_tokens_ends_with_the_window_that_reaches_it) {
  run.max = {interval("300token")};
  run.train();
  BOOST_TEST(run.state.windows == window_reaching(300, &TestRun::targets_at));
  BOOST_TEST(run.targets_at(run.state.windows) == run.state.collected_targets());
}

// Windows have 8 samples, an epoch 100.
BOOST_DATA_TEST_CASE(limits_that_need_no_row_end_with_their_window,
                     boost::unit_test::data::make({"17window", "129sample", "1.28epoch"}) ^ boost::unit_test::data::make({17, 17, 16}), limit, windows) {
  run.max = {interval(limit)};
  run.train();
  BOOST_TEST(run.state.windows == static_cast<uint64_t>(windows));
}

BOOST_AUTO_TEST_CASE(the_first_limit_of_several_counts) {
  run.max = {interval("1000step"), interval("11window")};
  BOOST_TEST(run.train().reason == "max = 11window is reached");
}

BOOST_AUTO_TEST_CASE(a_limit_that_is_reached_already_trains_nothing) {
  run.checkpoint_every = "5step";
  run.train();
  TestRun again(disk);
  BOOST_TEST(again.train().reason == "max = 20step is reached");
  BOOST_TEST(again.restored_window == 25u);
  BOOST_TEST(again.engine.rows.size() == 0u);
}

BOOST_AUTO_TEST_CASE(limits_in_time_and_money_end_with_a_checkpoint_and_ten) {
  run.engine.before_apply = [&](uint64_t) { run.seconds += 1; };
  run.max = {interval("30s")};
  const Outcome outcome = run.train();
  BOOST_TEST(code(outcome) == 10u);
  BOOST_TEST(run.state.windows == 30u);
  BOOST_TEST(run.checkpoints().back().window == 30u);
}

BOOST_AUTO_TEST_CASE(money_goes_on_over_a_resume) {
  const auto spend = [](TestRun& each, const char* limit) {
    each.price_per_hour = 3600;
    each.engine.before_apply = [&each](uint64_t) { each.seconds += 1; };
    each.max = {interval(limit)};
    return each.train();
  };
  BOOST_TEST(spend(run, "10usd").reason == "max = 10usd is reached");
  TestRun second(disk);
  BOOST_TEST(code(spend(second, "15usd")) == 10u);
  BOOST_TEST(second.engine.rows.size() == 5u);
}

BOOST_AUTO_TEST_CASE(evaluations_come_at_exact_steps_and_once) {
  run.evaluate_every = "4step";
  run.num_evaluation_sets = 2;
  run.train();
  const std::vector<uint64_t> wanted{4, 4, 8, 8, 12, 12, 16, 16, 20, 20};  // the one at the end is not done twice
  BOOST_TEST(run.numbers("evaluation", "step") == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_run_ends_with_an_evaluation_and_a_checkpoint) {
  run.evaluate_every = "15step";
  run.checkpoint_every = "15step";
  run.train();
  const std::vector<uint64_t> wanted{15, 20};
  BOOST_TEST(run.numbers("evaluation", "step") == wanted, boost::test_tools::per_element());
  BOOST_TEST(run.numbers("checkpoint_saved", "step") == wanted, boost::test_tools::per_element());
  BOOST_TEST(run.checkpoints().back().evaluation.contains("heldout/loss"));
}

BOOST_AUTO_TEST_CASE(checkpoints_come_at_exact_steps_and_once) {
  run.checkpoint_every = "4step";
  run.train();
  const std::vector<uint64_t> wanted{4, 8, 12, 16, 20};
  BOOST_TEST(run.numbers("checkpoint_saved", "step") == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(intervals_in_tokens_and_windows_are_exact_too) {
  run.max = {interval("60window")};
  run.checkpoint_every = "100token";
  run.evaluate_every = "7window";
  run.train();
  std::vector<uint64_t> wanted;
  for (uint64_t due = 100; due <= run.targets_at(60); due += 100) wanted.push_back(window_reaching(due, &TestRun::targets_at));
  std::vector<uint64_t> saved = run.numbers("checkpoint_saved", "window");
  if (wanted.back() != 60) wanted.push_back(60);  // the last one
  BOOST_TEST(saved == wanted, boost::test_tools::per_element());
  BOOST_TEST(run.engine.num_evaluations == 9u);  // 8 within, one at the end
}

BOOST_AUTO_TEST_CASE(telemetry_logs_the_steps_that_are_due_and_not_twice) {
  run.telemetry_every = "3step";
  run.evaluate_every = "5step";  // drains the ring in between
  run.train();
  const std::vector<uint64_t> wanted{3, 6, 9, 12, 15, 18, 20};  // the last one closes the log
  BOOST_TEST(run.numbers("step", "step") == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_checkpoint_becomes_good_after_healthy_windows) {
  run.checkpoint_every = "1000step";
  run.max = {interval("6window")};
  run.train();
  BOOST_TEST(!run.checkpoints().back().is_good);
  TestRun second(disk);
  second.engine.fate = run.engine.fate;
  second.max = {interval("20window")};
  second.train();
  // Of the windows after 6, 7 is skipped; the third healthy one is 10.
  const std::vector<Event> good = second.events_of("checkpoint_good");
  BOOST_REQUIRE(good.size() == 1u);
  BOOST_TEST(good[0].progress->observed_window == 10u);
  BOOST_TEST(run.checkpoints().front().is_good);
}

BOOST_AUTO_TEST_SUITE_END()
