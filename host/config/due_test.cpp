// "Every" counts from 0, once a multiple, over resumes.
#include "config/due.h"

#include <rapidcheck.h>
#include <boost/test/unit_test.hpp>

#include <vector>

namespace trainhost {
BOOST_AUTO_TEST_SUITE(due_test)

namespace {

Amounts at_step(uint64_t steps) {
  Amounts amounts;
  amounts.steps = steps;
  amounts.epochs = static_cast<double>(steps) * 0.1;
  amounts.seconds = static_cast<double>(steps) * 7.5;
  return amounts;
}

std::vector<uint64_t> due_steps(const char* every, uint64_t last) {
  Due due(parse_interval(every, "every"));
  std::vector<uint64_t> steps;
  for (uint64_t step = 0; step <= last; ++step)
    if (due.reached(at_step(step))) steps.push_back(step);
  return steps;
}

}  // namespace

BOOST_AUTO_TEST_CASE(each_multiple_is_due_once_and_zero_is_not) {
  BOOST_TEST(due_steps("3step", 10) == (std::vector<uint64_t>{3, 6, 9}), boost::test_tools::per_element());
  BOOST_TEST(due_steps("1min", 20) == (std::vector<uint64_t>{8, 16}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(tenths_of_an_epoch_do_not_drift) {
  BOOST_TEST(due_steps("0.1epoch", 9).size() == 9U);
  BOOST_TEST(due_steps("0.3epoch", 10) == (std::vector<uint64_t>{3, 6, 9}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(several_multiples_in_one_go_are_one) {
  Due due(parse_interval("3step", "every"));
  BOOST_TEST(due.reached(at_step(10)));
  BOOST_TEST(!due.reached(at_step(11)));
  BOOST_TEST(due.reached(at_step(12)));
}

BOOST_AUTO_TEST_CASE(asking_with_upper_bounds_changes_nothing) {
  Due due(parse_interval("3step", "every"));
  BOOST_TEST(due.is_due(at_step(3)));
  BOOST_TEST(!due.is_due(at_step(2)));
  BOOST_TEST(due.reached(at_step(3)));
}

BOOST_AUTO_TEST_CASE(what_is_not_measured_is_never_due) {
  Due due(parse_interval("1usd", "every"));
  BOOST_TEST(!due.reached(at_step(100)));
}

BOOST_AUTO_TEST_CASE(a_resumed_run_is_due_where_the_straight_run_is) {
  const bool holds = rc::check([] {
    const auto every = *rc::gen::inRange<uint64_t>(1, 50);
    const auto cut = *rc::gen::inRange<uint64_t>(0, 200);
    const Interval interval = parse_interval(std::to_string(every) + "step", "every");
    Due straight(interval);
    for (uint64_t step = 0; step <= cut; ++step) (void)straight.reached(at_step(step));
    Due resumed(interval);
    resumed.restore(at_step(cut));
    for (uint64_t step = cut; step < cut + 120; ++step) RC_ASSERT(straight.reached(at_step(step)) == resumed.reached(at_step(step)));
  });
  BOOST_TEST(holds);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
