// The device's table of rates: it always reaches beyond every step that the device may be at, and is filled rarely.
#include "loop/rates.h"

#include <boost/test/unit_test.hpp>

#include "loop/testing/test_run.h"

using namespace trainhost;
using namespace trainhost::testing;

namespace {

struct RatesFixture {
  MemoryStore disk;
  TestRun run{disk};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(rates_test, RatesFixture)

// The fake engine throws at a step without a rate.
BOOST_AUTO_TEST_CASE(every_step_finds_its_rate_over_many_blocks) {
  run.accumulation.shape = {.micro_batch_samples = 2, .num_micro_batches = 1, .target_samples = 0, .target_tokens = 0};
  run.engine.fate = [](uint64_t window) { return window % 5 == 0 ? FakeEngine::Fate::kNotFinite : FakeEngine::Fate::kApplied; };
  run.max = {interval("2500step")};
  run.train();
  for (const auto& [window, row] : run.engine.rows) {
    const uint64_t step = row.is_applied ? row.step - 1 : row.step;  // what the update was, or would have been
    BOOST_REQUIRE(row.learning_rate == 0.5 / static_cast<double>(step + 1));
  }
  BOOST_TEST(run.rates.first_steps.size() == 3u);
}

BOOST_AUTO_TEST_CASE(an_evaluation_that_changes_the_schedule_fills_the_table_anew) {
  run.evaluate_every = "5step";
  double factor = 1;
  run.rates.factor = [&](uint64_t) { return factor; };
  run.rates.changes_at = [&](const trainhost_metric& metric) {
    if (metric.origin == TRAINHOST_METRIC_EVALUATION) factor /= 2;
    return metric.origin == TRAINHOST_METRIC_EVALUATION;
  };
  run.train();
  for (const auto& [window, row] : run.engine.rows) BOOST_TEST(row.learning_rate == 0.5 * std::pow(0.5, (row.step - 1) / 5));
}

BOOST_AUTO_TEST_CASE(fractions_are_of_the_schedule_s_length_and_end_at_one) {
  run.schedule_length = 10;
  run.train();
  BOOST_TEST(run.rates.fractions[0] == 0.0);
  BOOST_TEST(run.rates.fractions[5] == 0.5);
  BOOST_TEST(run.rates.fractions[15] == 1.0);
}

BOOST_AUTO_TEST_CASE(without_a_length_there_are_no_fractions) {
  run.train();
  BOOST_TEST(std::isnan(run.rates.fractions[0]));
}

BOOST_AUTO_TEST_SUITE_END()
