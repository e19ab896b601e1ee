// Percentiles are those of the values that were added, windows during saves apart from the others.
#include "telemetry/step_times.h"

#include <boost/test/unit_test.hpp>

#include <cmath>

namespace trainhost {

BOOST_AUTO_TEST_SUITE(step_times_test)

BOOST_AUTO_TEST_CASE(percentiles_are_nearest_ranks) {
  StepTimes times;
  for (int i = 100; i >= 1; --i) times.add(i, false);
  times.add(7, true);
  const StepTimes::Report report = times.take();
  BOOST_TEST(report.outside.p50 == 50);
  BOOST_TEST(report.outside.p99 == 99);
  BOOST_TEST(report.during.p50 == 7);
  BOOST_TEST(report.during.p99 == 7);
}

BOOST_AUTO_TEST_CASE(each_report_is_of_the_windows_since_the_last) {
  StepTimes times;
  times.add(1, false);
  times.take();
  times.add(2, false);
  const StepTimes::Report report = times.take();
  BOOST_TEST(report.outside.p99 == 2);
  BOOST_TEST(std::isnan(report.during.p50));
}

BOOST_AUTO_TEST_CASE(old_values_make_room) {
  StepTimes times;
  for (int i = 0; i < 10000; ++i) times.add(i, true);
  BOOST_TEST(times.take().during.p50 >= 10000 - 4096);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
