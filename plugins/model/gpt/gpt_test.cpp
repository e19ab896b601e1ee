#include <boost/test/unit_test.hpp>
#include <trainhost/testing.hpp>
BOOST_AUTO_TEST_SUITE(gpt_test)
BOOST_AUTO_TEST_CASE(loads) {
  trainhost::testing::PluginUnderTest plugin;
  plugin.create("{}").start();
}
BOOST_AUTO_TEST_SUITE_END()
