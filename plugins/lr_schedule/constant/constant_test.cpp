// constant is 1 everywhere.
#include <boost/test/unit_test.hpp>
#include <trainhost/testing.hpp>

using namespace trainhost::testing;

BOOST_AUTO_TEST_SUITE(constant_test)

BOOST_AUTO_TEST_CASE(is_one_at_every_step_also_without_a_stated_length) {
  PluginUnderTest schedule;
  schedule.create().start();
  const double unknown = std::numeric_limits<double>::quiet_NaN();
  BOOST_TEST(factors(schedule, {}, {0.0, 0.5, 1.0, unknown}) == std::vector<double>(4, 1.0), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(never_changes) {
  PluginUnderTest schedule;
  schedule.create().start();
  BOOST_TEST(!update(schedule, {}, {{.value = 2.0}}));
}

BOOST_AUTO_TEST_SUITE_END()
