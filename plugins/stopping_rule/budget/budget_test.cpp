// budget stops in time, warns once, and refuses a budget that nobody measures.
#include <boost/test/unit_test.hpp>
#include <trainhost/testing.hpp>

using namespace trainhost::testing;

namespace {

trainhost::Progress spent(double seconds, double cost) {
  trainhost::Progress progress;
  progress.seconds = seconds, progress.cost = cost, progress.step = 7;
  return progress;
}

const MetricValue kSaveTook20Seconds{.name = "checkpoint_seconds", .set = "", .value = 20, .origin = TRAINHOST_METRIC_SYSTEM};

}  // namespace

BOOST_AUTO_TEST_SUITE(budget_test)

BOOST_AUTO_TEST_CASE(money_stops_with_the_reserve_left_and_says_how_much_was_spent) {
  PluginUnderTest rule;
  rule.host.currency = "usd";
  rule.create(R"({"max_cost":36,"reserve_seconds":100})").start();  // 1 cent a second: the reserve is worth 1 usd
  BOOST_TEST(check(rule, spent(3490, 34.90)).stop == TRAINHOST_STOP_NO);
  const Answer answer = check(rule, spent(3500, 35.00));
  BOOST_TEST(answer.stop == TRAINHOST_STOP_BUDGET);
  BOOST_TEST(answer.reason == "35.00 of 36 usd spent after step 7; 100 s are kept for the last save");
}

BOOST_AUTO_TEST_CASE(hours_stop_before_a_window_that_would_not_fit) {
  PluginUnderTest rule;
  rule.create(R"({"max_hours":1,"reserve_seconds":0})").start();
  BOOST_TEST(check(rule, spent(3000, 0)).stop == TRAINHOST_STOP_NO);
  BOOST_TEST(check(rule, spent(3299, 0)).stop == TRAINHOST_STOP_NO);     // windows of 299 s: one more fits
  BOOST_TEST(check(rule, spent(3598, 0)).stop == TRAINHOST_STOP_BUDGET);  // another does not
}

BOOST_AUTO_TEST_CASE(a_timed_save_replaces_the_guessed_reserve) {
  PluginUnderTest rule;
  rule.create(R"({"max_hours":1,"reserve_seconds":1000})").start();
  BOOST_TEST(check(rule, spent(3550, 0), {kSaveTook20Seconds}).stop == TRAINHOST_STOP_NO);
  BOOST_TEST(check(rule, spent(3570, 0)).stop == TRAINHOST_STOP_BUDGET);
}

BOOST_AUTO_TEST_CASE(warns_once_at_80_percent_also_over_a_resume) {
  PluginUnderTest rule, resumed;
  rule.host.currency = resumed.host.currency = "usd";
  rule.create(R"({"max_cost":10})").start();
  check(rule, spent(100, 7.99));
  BOOST_TEST(rule.host.log().empty());
  check(rule, spent(101, 8.0));
  BOOST_TEST(rule.host.has_logged(TRAINHOST_LOG_WARNING, "8.00 of 10 usd spent: 80 % of the budget"));
  check(rule, spent(102, 8.1));
  BOOST_TEST(rule.host.log().size() == 1u);
  resumed.create(R"({"max_cost":10})").load(rule.save()).start();
  check(resumed, spent(103, 8.2));
  BOOST_TEST(resumed.host.log().empty());
}

BOOST_AUTO_TEST_CASE(a_cost_that_nobody_measures_is_an_error_with_a_remedy) {
  PluginUnderTest rule;
  rule.create(R"({"max_cost":10})");
  BOOST_TEST(words_of([&] { rule.start(); }) == "budget.max_cost is 10, but the cost of this run is not measured; set price_per_hour");
  rule.host.currency = "usd";  // a price without a cost
  rule.start();
  const auto ask = [&] { check(rule, spent(100, std::numeric_limits<double>::quiet_NaN())); };
  BOOST_TEST(status_of(ask) == TRAINHOST_FAILED_PRECONDITION);
  BOOST_TEST(words_of(ask) == "budget.max_cost is 10, but the cost of this run is not measured; set price_per_hour");
}

BOOST_AUTO_TEST_CASE(hours_need_no_price) {
  PluginUnderTest rule;
  rule.create(R"({"max_hours":1})").start();
  BOOST_TEST(check(rule, spent(10, std::numeric_limits<double>::quiet_NaN())).stop == TRAINHOST_STOP_NO);
}

BOOST_AUTO_TEST_CASE(a_budget_without_a_limit_is_refused) {
  PluginUnderTest rule;
  BOOST_TEST(status_of([&] { rule.create("{}"); }) == TRAINHOST_INVALID_ARGUMENT);
}

BOOST_AUTO_TEST_SUITE_END()
