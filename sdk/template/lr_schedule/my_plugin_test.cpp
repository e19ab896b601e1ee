// The schedule halves where it says, asked through the C ABI as the host asks.
#include <boost/test/unit_test.hpp>
#include <trainhost/testing.hpp>

using namespace trainhost::testing;

BOOST_AUTO_TEST_SUITE(my_plugin_test)

BOOST_AUTO_TEST_CASE(halves_every_three_steps) {
  PluginUnderTest schedule;
  schedule.create(R"({"every_steps":3})").start();
  const auto got = factors(schedule, {}, std::vector<double>(7));
  BOOST_TEST(got == std::vector<double>({1, 1, 1, 0.5, 0.5, 0.5, 0.25}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(goes_on_where_the_run_stands) {
  PluginUnderTest schedule;
  schedule.create().start();
  trainhost::Progress at;
  at.step = 199;
  BOOST_TEST(factors(schedule, at, {0.5, 0.5}) == std::vector<double>({0.5, 0.25}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
