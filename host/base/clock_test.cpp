// Clocks and their text.
#include "base/clock.h"

#include <limits>

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

namespace trainhost {
BOOST_AUTO_TEST_SUITE(clock_test)

namespace {

struct Duration {
  double seconds;
  const char* text;
};
std::ostream& operator<<(std::ostream& out, const Duration& duration) { return out << duration.text; }
const Duration kDurations[] = {{0, "0ms"},
                               {0.0124, "12ms"},
                               {0.9996, "1.0s"},
                               {12.44, "12.4s"},
                               {59.94, "59.9s"},
                               {59.96, "1m00s"},
                               {187, "3m07s"},
                               {3599.6, "1h00m"},
                               {3720, "1h02m"},
                               {359999, "99h59m"},
                               {std::numeric_limits<double>::infinity(), "?"},
                               {std::numeric_limits<double>::quiet_NaN(), "?"},
                               {-0.5, "0ms"}};

}  // namespace

BOOST_DATA_TEST_CASE(durations_are_short_and_never_show_sixty, kDurations) { BOOST_TEST(human_seconds(sample.seconds) == sample.text); }

BOOST_AUTO_TEST_CASE(timestamps_are_utc_with_milliseconds) {
  BOOST_TEST(utc_timestamp(0) == "1970-01-01T00:00:00.000Z");
  BOOST_TEST(utc_timestamp(1795373250'950'999'999) == "2026-11-22T18:47:30.950Z");
  BOOST_TEST(utc_timestamp(-1) == "1969-12-31T23:59:59.999Z");
}

BOOST_AUTO_TEST_CASE(this_process_was_started_before_now_and_not_long_ago) {
  const double started = process_start_seconds();
  BOOST_TEST(started <= monotonic_seconds());
  BOOST_TEST(monotonic_seconds() - started < 3600);
  BOOST_TEST(process_start_seconds() == started, boost::test_tools::tolerance(1e-3));
}

BOOST_AUTO_TEST_CASE(the_monotonic_clock_never_goes_back) {
  double last = monotonic_seconds();
  for (int i = 0; i < 1000; ++i) {
    const double now = monotonic_seconds();
    BOOST_TEST_REQUIRE(now >= last);
    last = now;
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
