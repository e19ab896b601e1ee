// The rule stops at its target and not before, asked through the C ABI as the host asks.
#include <boost/test/unit_test.hpp>
#include <trainhost/testing.hpp>

using namespace trainhost::testing;

namespace {

trainhost::Progress at_loss(double loss) {
  trainhost::Progress progress;
  progress.loss_ema = loss, progress.step = 7;
  return progress;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(my_plugin_test)

BOOST_AUTO_TEST_CASE(stops_at_the_target_and_says_the_numbers) {
  PluginUnderTest rule;
  rule.create(R"({"target":0.5})").start();
  BOOST_TEST(check(rule, at_loss(0.51)).stop == TRAINHOST_STOP_NO);
  const Answer answer = check(rule, at_loss(0.5));
  BOOST_TEST(answer.stop == TRAINHOST_STOP_DONE);
  BOOST_TEST(answer.reason == "the smoothed loss 0.5 has reached 0.5 at step 7");
}

BOOST_AUTO_TEST_CASE(goes_on_while_nothing_is_measured_and_when_the_loss_rises_again) {
  PluginUnderTest rule;
  rule.create(R"({"target":0.5})").start();
  BOOST_TEST(check(rule, {}).stop == TRAINHOST_STOP_NO);
  BOOST_TEST(check(rule, at_loss(0.4)).stop == TRAINHOST_STOP_DONE);
  BOOST_TEST(check(rule, at_loss(0.6)).stop == TRAINHOST_STOP_NO);
}

BOOST_AUTO_TEST_SUITE_END()
