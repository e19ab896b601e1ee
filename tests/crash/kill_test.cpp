// A writer is killed before and after each of its system calls that touch the checkpoints: a new process has the old checkpoint or the new one.
#include <boost/test/unit_test.hpp>
#include <boost/test/data/test_case.hpp>

#include "kills.h"

using namespace crash;
namespace data = boost::unit_test::data;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_SUITE(kill_test)

BOOST_DATA_TEST_CASE(killed_at_any_system_call_of_a_run, data::make({false, true}), is_after) {
  const Saved saved;
  uint64_t num_kills = 0, newest = 0;
  for (uint64_t at = 1;; ++at) {
    const Scratch scratch;
    fs::copy(saved.path(), scratch.path(), fs::copy_options::recursive);
    const Outcome outcome = run_killed(scratch.path(), kSession, {at, is_after});
    BOOST_TEST_CONTEXT("killed at call " << at) { require_recovery(scratch.path(), std::max<uint64_t>(2, newest_step(outcome.ending.output))); }
    newest = std::max(newest, newest_step(outcome.ending.output));
    if (!outcome.is_killed) break;
    ++num_kills;
  }
  BOOST_TEST_MESSAGE(num_kills << " kills");
  BOOST_TEST(num_kills > 100u);
  BOOST_TEST(newest == 4u);
}

BOOST_DATA_TEST_CASE(killed_at_any_system_call_of_the_very_first_save, data::make({false, true}), is_after) {
  for (uint64_t at = 1;; ++at) {
    const Scratch scratch;
    const fs::path folder = scratch.path() / "made" / "here";
    Watch watch{scratch.path()};
    KillAt kill({at, is_after}, watch);
    const Ending ending = run_traced(writer(folder, {"restore", "save"}), watch);
    BOOST_TEST_CONTEXT("killed at call " << at) { require_recovery(folder, newest_step(ending.output)); }
    if (!kill.has_happened()) break;
  }
}

BOOST_AUTO_TEST_CASE(killed_again_while_it_recovers) { kill_pairs(1, 100); }

BOOST_AUTO_TEST_SUITE_END()
