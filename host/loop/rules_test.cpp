// Stopping rules together: the gravest word counts, and failures are borne until there are three in a row.
#include "loop/rules.h"

#include <boost/test/unit_test.hpp>

#include "base/log.h"
#include "data/testing/fake_source.h"
#include "loop/testing/fake_plugins.h"

using namespace trainhost;
using namespace trainhost::testing;

namespace {

struct RulesFixture {
  FakeRule first, second{"other"};

  Rules rules() {
    set_log_level(LogLevel::kError);
    std::vector<StoppingRule> all;
    for (FakeRule* rule : {&first, &second}) {
      rule->start();
      all.emplace_back(rule->instance());
    }
    return Rules(std::move(all));
  }
};

auto says(int32_t stop, std::string reason) {
  return [=](const trainhost_progress&, FakeRule::Metrics) { return FakeRule::Answer{stop, reason, stop == TRAINHOST_STOP_DONE}; };
}

const trainhost_progress kNow{};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(rules_test, RulesFixture)

BOOST_AUTO_TEST_CASE(silence_goes_on) { BOOST_TEST(!rules().ask(kNow, {})); }

BOOST_AUTO_TEST_CASE(the_gravest_wins_whatever_the_order) {
  const struct {
    int32_t first, second;
    int code;
    const char* rule;
  } cases[] = {{TRAINHOST_STOP_DONE, TRAINHOST_STOP_BUDGET, 10, "stopping_rule/other"},
               {TRAINHOST_STOP_BUDGET, TRAINHOST_STOP_DONE, 10, "stopping_rule/fake"},
               {TRAINHOST_STOP_DIVERGED, TRAINHOST_STOP_BUDGET, 11, "stopping_rule/fake"},
               {TRAINHOST_STOP_NO, TRAINHOST_STOP_DONE, 0, "stopping_rule/other"},
               {TRAINHOST_STOP_DONE, TRAINHOST_STOP_DONE, 0, "stopping_rule/fake"}};
  Rules both = rules();
  for (const auto& each : cases) {
    first.check = says(each.first, "first");
    second.check = says(each.second, "second");
    const auto outcome = both.ask(kNow, {});
    BOOST_REQUIRE(outcome.has_value());
    BOOST_TEST(static_cast<int>(outcome->code) == each.code);
    BOOST_TEST(outcome->rule == each.rule);
    BOOST_TEST(outcome->reason == (outcome->rule == "stopping_rule/fake" ? "first" : "second"));
    BOOST_TEST(outcome->restore_best == (each.code == 0));
  }
}

BOOST_AUTO_TEST_CASE(a_rule_that_changes_its_mind_is_obeyed) {
  Rules both = rules();
  first.check = says(TRAINHOST_STOP_DONE, "enough");
  BOOST_TEST(both.ask(kNow, {}).has_value());
  first.check = says(TRAINHOST_STOP_NO, "");
  BOOST_TEST(!both.ask(kNow, {}));
}

BOOST_AUTO_TEST_CASE(three_failures_in_a_row_throw_and_fewer_do_not) {
  Rules both = rules();
  bool is_failing = true;
  first.fails = [&] { return is_failing; };
  for (const bool fails : {true, true, false, true, true}) {
    is_failing = fails;
    BOOST_TEST(!both.ask(kNow, {}));
  }
  const std::string message = message_of(ExitCode::kPlugin, [&] {
    is_failing = true;
    both.ask(kNow, {});
  });
  BOOST_TEST(contains(message, "stopping_rule/fake"));
  BOOST_TEST(contains(message, "made to fail"));
}

BOOST_AUTO_TEST_CASE(failures_of_two_rules_do_not_add_up) {
  Rules both = rules();
  uint64_t calls = 0;
  first.fails = [&] { return calls % 2 == 0; };
  second.fails = [&] { return calls++ % 2 == 1; };
  for (int i = 0; i < 10; ++i) BOOST_TEST(!both.ask(kNow, {}));
}

BOOST_AUTO_TEST_CASE(a_failing_rule_does_not_silence_another) {
  Rules both = rules();
  first.fails = [] { return true; };
  second.check = says(TRAINHOST_STOP_BUDGET, "spent");
  BOOST_TEST(both.ask(kNow, {})->reason == "spent");
}

BOOST_AUTO_TEST_CASE(limits_are_reached_when_measured_and_not_before) {
  const std::vector<Interval> max{parse_interval("10step", "test"), parse_interval("2h", "test"), parse_interval("5usd", "test")};
  Amounts amounts;
  amounts.steps = 9;
  BOOST_TEST(!reached_limit(max, amounts));  // time and money are not measured
  amounts.seconds = 7199, amounts.cost = 4.99;
  BOOST_TEST(!reached_limit(max, amounts));
  amounts.cost = 5;
  BOOST_TEST(static_cast<int>(reached_limit(max, amounts)->code) == 10);
  BOOST_TEST(reached_limit(max, amounts)->reason == "max = 5usd is reached");
  amounts.steps = 10;
  BOOST_TEST(static_cast<int>(reached_limit(max, amounts)->code) == 0);  // the first one that is reached
}

BOOST_AUTO_TEST_SUITE_END()
