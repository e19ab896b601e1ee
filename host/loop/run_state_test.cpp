// The loop's memory: counting, bounds of what the device has not told yet, and JSON there and back.
#include "loop/run_state.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>

using namespace trainhost;

BOOST_AUTO_TEST_SUITE(run_state_test)

namespace {

WindowRow row(uint64_t window, uint64_t step, bool is_applied, double loss_sum = 6, double count = 3) {
  WindowRow made;
  made.window = window, made.step = step, made.is_applied = is_applied, made.loss_sum = loss_sum, made.count = count;
  made.metrics = {1.5, std::nan("")};
  return made;
}

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

BOOST_AUTO_TEST_CASE(steps_and_targets_have_bounds_until_the_rows_are_there) {
  RunState state;
  for (uint64_t window = 1; window <= 3; ++window) state.count_window({{2, 2}, 4, 12}, {0, 4 * window, 4 * window});
  BOOST_TEST(state.collected_step() == 0u);
  BOOST_TEST(state.step_upper_bound() == 3u);
  BOOST_TEST(state.targets_upper_bound() == 36u);
  state.collect(row(1, 1, true, 6, 10));
  state.collect(row(2, 1, false, std::nan(""), 9));
  BOOST_TEST(state.collected_step() == 1u);
  BOOST_TEST(state.step_upper_bound() == 2u);
  BOOST_TEST(state.collected_targets() == 19u);
  BOOST_TEST(state.targets_upper_bound() == 31u);
  BOOST_TEST(state.observed.window == 0u);  // no decision has seen them
  BOOST_TEST(state.micro_batches == 6u);
  BOOST_TEST(state.samples == 12u);
}

BOOST_AUTO_TEST_CASE(observing_moves_one_row) {
  RunState state;
  for (uint64_t window = 1; window <= 2; ++window) state.count_window({{1}, 1, 3}, {0, window, window});
  state.collect(row(1, 1, true));
  state.collect(row(2, 1, false, std::nan("")));
  state.observe_next();
  BOOST_TEST(state.observed.loss == 2.0);
  BOOST_TEST(state.observed.loss_ema == 2.0);
  state.observe_next();
  BOOST_TEST(state.observed.window == 2u);
  BOOST_TEST(state.observed.step == 1u);
  BOOST_TEST(state.observed.skipped == 1u);
  BOOST_TEST(state.observed.loss_ema == 2.0);  // no value that is not finite gets into the mean
  BOOST_TEST(state.observed.skips_in_a_row == 1u);
}

BOOST_AUTO_TEST_CASE(json_keeps_everything_that_is_saved) {
  RunState state;
  state.count_window({{4, 3}, 7, 21}, {2, 5, 207});
  state.count_window({{4, 3}, 7, 21}, {2, 12, 214});
  state.collect(row(1, 1, true));
  state.collect(row(2, 1, false, -kInfinity, std::nan("")));
  state.observed = {1, 1, 0, 3, 0, 0.1, 1.0 / 3, kInfinity, 65536, 1e-3};
  state.shape = {4, 0, 7, 0};
  state.schedule_length = 99;
  state.best = BestEvaluation{std::nan(""), 7};
  state.pending_evaluations = {"heldout", "other"};
  state.pending_good = {{"step-1", {1, 3}}};
  const nlohmann::json json = nlohmann::json::parse(to_json(state).dump());
  const RunState back = run_state_from_json(json);
  BOOST_TEST(to_json(back) == json);  // nothing is lost on the way in ...
  BOOST_TEST(back.windows == 2u);     // ... nor on the way out
  BOOST_TEST(back.samples == 14u);
  BOOST_TEST(back.micro_batches == 4u);
  BOOST_TEST((back.position == state.position));
  BOOST_TEST((back.shape == state.shape));
  BOOST_TEST(back.observed.loss_ema == 1.0 / 3);
  BOOST_TEST(back.observed.gradient_norm == kInfinity);
  BOOST_TEST(back.undelivered.size() == 2u);
  BOOST_TEST(back.undelivered[1].loss_sum == -kInfinity);
  BOOST_TEST(std::isnan(back.undelivered[0].metrics[1]));
  BOOST_TEST(std::isnan(back.best->value));
  BOOST_TEST(back.pending_evaluations == state.pending_evaluations, boost::test_tools::per_element());
  BOOST_TEST(back.pending_good.at("step-1").healthy == 3u);
  BOOST_TEST(back.schedule_length == 99u);
}

BOOST_AUTO_TEST_CASE(each_member_that_is_missing_is_an_error_that_says_so) {
  const nlohmann::json whole = to_json(RunState{});
  for (const auto& [key, value] : whole.items()) {
    nlohmann::json part = whole;
    part.erase(key);
    BOOST_CHECK_EXCEPTION(run_state_from_json(part), Error, [&](const Error& error) {
      return error.code() == ExitCode::kCheckpointUnreadable && std::string(error.what()).find(key) != std::string::npos;
    });
  }
}

BOOST_AUTO_TEST_SUITE_END()
