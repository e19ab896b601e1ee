// halving halves where it says, through the C ABI as the host calls it.
#include <boost/test/unit_test.hpp>
#include <trainhost/testing.hpp>

using namespace trainhost::testing;

BOOST_AUTO_TEST_SUITE(halving_test)

BOOST_AUTO_TEST_CASE(halves_every_three_steps) {
  PluginUnderTest schedule;
  schedule.create(R"({"every_steps":3})").start();
  const auto got = factors(schedule, {}, std::vector<double>(7));
  BOOST_TEST(got == std::vector<double>({1, 1, 1, 0.5, 0.5, 0.5, 0.25}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
