// Rates and the time that is left, on made-up time.
#include "telemetry/throughput.h"

#include <array>
#include <cmath>

#include <boost/test/unit_test.hpp>

namespace trainhost {

BOOST_AUTO_TEST_SUITE(throughput_test, *boost::unit_test::tolerance(1e-9))

BOOST_AUTO_TEST_CASE(nothing_is_known_before_two_samples) {
  Throughput meter;
  BOOST_TEST(std::isnan(meter.tokens_per_second()));
  meter.add(1, 100, 0, std::array{0.1});
  BOOST_TEST(std::isnan(meter.tokens_per_second()));
  BOOST_TEST(std::isnan(meter.seconds_left()));
  meter.add(1, 200, 0, std::array{0.2});  // no time has passed
  BOOST_TEST(std::isnan(meter.tokens_per_second()));
}

BOOST_AUTO_TEST_CASE(a_steady_run_has_its_rate_whatever_the_spacing) {
  for (const double spacing : {0.001, 0.3, 4.0, 60.0}) {
    Throughput meter;
    for (int i = 0; i < 1000; ++i) meter.add(i * spacing, 500.0 * i * spacing, 0.25 * i * spacing, {});
    BOOST_TEST(meter.tokens_per_second() == 500);
    BOOST_TEST(meter.data_wait_ratio() == 0.25);
  }
}

BOOST_AUTO_TEST_CASE(an_old_pace_is_forgotten) {
  Throughput meter;
  for (int second = 0; second <= 100; ++second) meter.add(second, 1000.0 * second, 0, {});
  for (int second = 101; second <= 120; ++second) meter.add(second, 100'000 + 10.0 * (second - 100), 0, {});
  BOOST_TEST(meter.tokens_per_second() == 10);
}

BOOST_AUTO_TEST_CASE(the_limit_that_is_reached_first_says_when_the_run_ends) {
  Throughput meter;
  meter.add(0, 0, 0, std::array{0.0, 0.5});
  meter.add(10, 0, 0, std::array{0.1, 0.6});
  BOOST_TEST(meter.seconds_left() == 40);  // the first needs 90 s more, the second 40
}

BOOST_AUTO_TEST_CASE(a_limit_that_does_not_move_or_is_passed_is_no_forecast_beyond_zero) {
  Throughput meter;
  meter.add(0, 0, 0, std::array{0.3});
  meter.add(10, 0, 0, std::array{0.3});
  BOOST_TEST(std::isnan(meter.seconds_left()));
  meter.add(20, 0, 0, std::array{1.2});
  BOOST_TEST(meter.seconds_left() == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
