// The instability ladder: windows that are not finite are skipped, too many in a row end the run, and what it condemns is never saved.
#include <boost/test/unit_test.hpp>

#include "loop/testing/test_run.h"

using namespace trainhost;
using namespace trainhost::testing;

namespace {

using Fate = FakeEngine::Fate;

struct LadderFixture {
  MemoryStore disk;
  TestRun run{disk};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(ladder_test, LadderFixture)

BOOST_AUTO_TEST_CASE(too_many_in_a_row_end_the_run_with_eleven) {
  run.engine.fate = [](uint64_t window) { return window >= 12 ? Fate::kNotFinite : Fate::kApplied; };
  const Outcome outcome = run.train();
  BOOST_TEST(static_cast<int>(outcome.code) == 11);
  BOOST_TEST(outcome.rule == "ladder");
  BOOST_TEST(contains(outcome.reason, "4 windows in a row"));
  BOOST_TEST(contains(outcome.reason, "window 15"));
  BOOST_TEST(run.state.windows == 23u);  // the row of window 15 is seen after window 23
  const std::vector<uint64_t> in_a_row{1, 2, 3, 4};
  BOOST_TEST(run.numbers("skipped", "in_a_row") == in_a_row, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_condemned_window_is_never_saved) {
  run.engine.fate = [](uint64_t window) { return window >= 12 ? Fate::kNotFinite : Fate::kApplied; };
  run.checkpoint_every = "1window";
  run.train();
  BOOST_TEST(run.checkpoints().back().window == 14u);  // three skips may still turn out well, the fourth may not
}

BOOST_AUTO_TEST_CASE(a_run_that_reaches_its_end_meanwhile_has_diverged_all_the_same) {
  run.engine.fate = [](uint64_t window) { return window >= 3 ? Fate::kNotFinite : Fate::kApplied; };
  run.max = {interval("8window")};
  run.checkpoint_every = "2window";
  BOOST_TEST(static_cast<int>(run.train().code) == 11);
  BOOST_TEST(run.checkpoints().back().window == 4u);
}

BOOST_AUTO_TEST_CASE(an_applied_window_starts_the_count_again) {
  run.engine.fate = [](uint64_t window) { return window % 4 == 0 ? Fate::kApplied : Fate::kNotFinite; };
  run.max = {interval("10step")};
  BOOST_TEST(static_cast<int>(run.train().code) == 0);
  BOOST_TEST(run.state.windows == 40u);
  BOOST_TEST(run.state.observed.skipped == 30u);
}

BOOST_AUTO_TEST_CASE(windows_without_targets_neither_count_nor_reset) {
  run.engine.fate = [](uint64_t window) { return window <= 2 ? Fate::kApplied : window % 2 == 0 ? Fate::kEmpty : Fate::kNotFinite; };
  const Outcome outcome = run.train();
  BOOST_TEST(static_cast<int>(outcome.code) == 11);
  BOOST_TEST(contains(outcome.reason, "the last is window 9"));  // 3, 5, 7, 9

  MemoryStore other_disk;
  TestRun empty(other_disk);
  empty.engine.fate = [](uint64_t window) { return window <= 2 ? Fate::kApplied : Fate::kEmpty; };
  empty.max = {interval("50window")};
  BOOST_TEST(static_cast<int>(empty.train().code) == 0);
}

BOOST_AUTO_TEST_CASE(skips_in_a_row_are_counted_over_a_resume) {
  const auto fate = [](uint64_t window) { return window >= 12 ? Fate::kNotFinite : Fate::kApplied; };
  run.engine.fate = fate;
  run.checkpoint_every = "14window";
  run.max = {interval("14window")};
  run.evaluates_at_end = false;
  run.train();
  TestRun second(disk);
  second.engine.fate = fate;
  BOOST_TEST(contains(second.train().reason, "the last is window 15"));
  BOOST_TEST(second.restored_window == 14u);
}

BOOST_AUTO_TEST_SUITE_END()
