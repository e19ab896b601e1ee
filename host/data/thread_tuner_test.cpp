// The number of threads follows from what samples cost and how fast they are used, within what the cores allow.
#include "data/thread_tuner.h"

#include <boost/test/unit_test.hpp>

using namespace trainhost;

BOOST_AUTO_TEST_SUITE(thread_tuner_test)

namespace {

// Periods of two seconds in which 100 samples were used and read.
struct Periods {
  ReadingTotals totals;
  std::optional<ThreadChoice> next(ThreadTuner& tuner, double waited, double busy, double cpu_share = 1) {
    totals.seconds += 2;
    totals.waited_seconds += waited;
    totals.busy_seconds += busy;
    totals.cpu_seconds += busy * cpu_share;
    totals.samples_used += 100;
    totals.samples_read += 100;
    return tuner.consider(totals);
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_fixed_number_stays) {
  ThreadTuner tuner(3, 2, 16);
  Periods periods;
  for (int i = 0; i < 5; ++i) BOOST_TEST(!periods.next(tuner, 1.9, 6).has_value());
  BOOST_TEST(tuner.threads() == 3u);
}

BOOST_AUTO_TEST_CASE(as_many_threads_as_the_use_needs_with_a_reserve) {
  ThreadTuner tuner(0, 2, 16);
  Periods periods;
  BOOST_TEST(!periods.next(tuner, 1, 4).has_value());  // only a mark: nothing to compare with
  const auto choice = periods.next(tuner, 1, 4);       // a sample: 40 ms of a thread, used in 10 ms
  BOOST_REQUIRE(choice.has_value());
  BOOST_TEST(choice->needed == 4.0, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(choice->threads == 5u);
  BOOST_TEST(choice->before == 2u);
  BOOST_TEST(tuner.threads() == 5u);
}

BOOST_AUTO_TEST_CASE(the_cores_but_one_or_an_eighth_are_the_most) {
  for (const auto& [cores, most] : {std::pair{1u, 1u}, {2u, 1u}, {4u, 3u}, {16u, 14u}, {64u, 56u}}) {
    ThreadTuner tuner(0, 1, cores);
    Periods periods;
    periods.next(tuner, 1.99, 2);
    periods.next(tuner, 1.99, 2);
    BOOST_TEST(tuner.threads() == most);
  }
}

BOOST_AUTO_TEST_CASE(threads_that_wait_for_disk_or_network_may_be_more_than_cores) {
  ThreadTuner tuner(0, 2, 4);
  Periods periods;
  periods.next(tuner, 1.9, 4, 0.25);
  periods.next(tuner, 1.9, 4, 0.25);
  BOOST_TEST(tuner.threads() == 12u);  // three cores, a quarter of one each
  // Now there are more threads than cores: that they use less of one says nothing any more.
  periods.next(tuner, 1.9, 24, 0.01);
  BOOST_TEST(tuner.threads() == 12u);
}

BOOST_AUTO_TEST_CASE(threads_go_when_three_periods_needed_fewer) {
  ThreadTuner tuner(0, 8, 16);
  Periods periods;
  periods.next(tuner, 0, 2);
  BOOST_TEST(!periods.next(tuner, 0, 2).has_value());
  BOOST_TEST(!periods.next(tuner, 0, 3).has_value());
  periods.next(tuner, 0, 14);  // needs seven, of which nine come
  BOOST_TEST(tuner.threads() == 9u);
  BOOST_TEST(!periods.next(tuner, 0, 2).has_value());
  BOOST_TEST(!periods.next(tuner, 0, 3).has_value());
  const auto choice = periods.next(tuner, 0, 2);
  BOOST_REQUIRE(choice.has_value());
  BOOST_TEST(choice->threads == 2u);  // the most of the three
}

BOOST_AUTO_TEST_CASE(a_period_without_samples_goes_on) {
  ThreadTuner tuner(0, 2, 16);
  ReadingTotals totals{.seconds = 1};
  BOOST_TEST(tuner.is_due(0));
  tuner.consider(totals);
  BOOST_TEST(!tuner.is_due(1.5));
  totals.seconds = 50;
  BOOST_TEST(!tuner.consider(totals).has_value());
  totals = {.seconds = 51, .waited_seconds = 40, .samples_used = 10, .busy_seconds = 100, .cpu_seconds = 100, .samples_read = 10};
  BOOST_TEST(tuner.consider(totals)->threads == 13u);  // 10 s a sample, used in 1 s
}

BOOST_AUTO_TEST_SUITE_END()
