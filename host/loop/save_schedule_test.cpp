// Young's interval and the expected loss, against numbers worked out by hand.
#include "loop/save_schedule.h"

#include <boost/test/unit_test.hpp>

#include <nlohmann/json.hpp>

using namespace trainhost;
using boost::test_tools::tolerance;

BOOST_AUTO_TEST_SUITE(save_schedule_test)

namespace {

constexpr double kDay = 86400;

SaveCost cost_of(double blocking, double total) {
  SaveCost cost;
  cost.add(blocking, total);
  return cost;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_interval_is_the_root_of_twice_cost_times_mean) {
  const Hazard two_hours = estimate_hazard(7200.0, 0, 0);
  BOOST_TEST(balanced_interval(cost_of(1, 5), two_hours) == 120.0, tolerance(1e-12));     // sqrt(2 * 1 * 7200)
  BOOST_TEST(balanced_interval(cost_of(0.25, 5), two_hours) == 60.0, tolerance(1e-12));   // sqrt(2 * 0.25 * 7200)
  BOOST_TEST(balanced_interval(cost_of(0.05, 20), two_hours) == 26.8328157, tolerance(1e-8));  // sqrt(720)
  const Hazard twelve_hours = estimate_hazard(43200.0, 3, 99);
  BOOST_TEST(balanced_interval(cost_of(6, 10), twelve_hours) == 720.0, tolerance(1e-12));  // sqrt(518400)
}

BOOST_AUTO_TEST_CASE(a_save_has_time_to_end) { BOOST_TEST(balanced_interval(cost_of(0.05, 30), estimate_hazard(7200.0, 0, 0)) == 36.0, tolerance(1e-12)); }

BOOST_AUTO_TEST_CASE(the_first_save_is_there_to_be_measured) { BOOST_TEST(balanced_interval({}, estimate_hazard(std::nullopt, 0, 0)) == kFirstSaveSeconds); }

BOOST_AUTO_TEST_CASE(the_loss_is_least_at_the_interval) {
  const SaveCost cost = cost_of(1, 0);
  const Hazard hazard = estimate_hazard(7200.0, 0, 0);
  BOOST_TEST(expected_loss_share(120, cost, hazard) == 1.0 / 60, tolerance(1e-12));  // 1/120 for saves, 60/7200 for lost work
  BOOST_TEST(expected_loss_share(60, cost, hazard) == 1.0 / 60 + 30.0 / 7200, tolerance(1e-12));
  BOOST_TEST(expected_loss_share(119, cost, hazard) > 1.0 / 60);
  BOOST_TEST(expected_loss_share(121, cost, hazard) > 1.0 / 60);
  BOOST_TEST(expected_loss_share(120, cost_of(1, 72), hazard) == 1.0 / 60 + 0.01, tolerance(1e-12));  // what was under way is lost too
}

BOOST_AUTO_TEST_CASE(one_interruption_a_day_is_assumed_until_some_were_seen) {
  BOOST_TEST(estimate_hazard(std::nullopt, 0, 0).mean_seconds == kDay);
  BOOST_TEST((estimate_hazard(std::nullopt, 0, 0).source == Hazard::Source::kAssumed));
  BOOST_TEST(estimate_hazard(std::nullopt, 0, kDay).mean_seconds == 2 * kDay);  // a day without any
  BOOST_TEST(estimate_hazard(std::nullopt, 3, kDay).mean_seconds == kDay / 2);  // two days, four of them
  BOOST_TEST((estimate_hazard(std::nullopt, 3, kDay).source == Hazard::Source::kObserved));
  BOOST_TEST(estimate_hazard(7200.0, 3, kDay).mean_seconds == 7200.0);
  BOOST_TEST((estimate_hazard(7200.0, 3, kDay).source == Hazard::Source::kGiven));
}

BOOST_AUTO_TEST_CASE(the_cost_is_a_mean_that_follows_the_newest) {
  SaveCost cost;
  cost.add(1, 10);
  cost.add(3, 20);
  BOOST_TEST(cost.blocking_seconds == 2.0);
  BOOST_TEST(cost.total_seconds == 15.0);
  for (int i = 0; i < 50; ++i) cost.add(10, 100);
  BOOST_TEST(cost.blocking_seconds == 10.0, tolerance(1e-3));
  BOOST_TEST(save_cost_from_json(to_json(cost)).total_seconds == cost.total_seconds);
  BOOST_TEST(save_cost_from_json(to_json(cost)).num_saves == 52u);
}

BOOST_AUTO_TEST_CASE(people_are_told_time_and_money) {
  SaveOutlook outlook{true, "auto", 120.0, cost_of(1, 0), estimate_hazard(7200.0, 0, 0), 3.0, "usd"};
  BOOST_TEST(*outlook.loss_seconds_per_hour() == 60.0, tolerance(1e-12));
  BOOST_TEST(*outlook.loss_cost_per_hour() == 0.05, tolerance(1e-12));
  BOOST_TEST(outlook.text() == "auto, now every 2m00s; a save costs 1.0s, 2h00m between interruptions, given: expected loss 1m00s an hour, 0.0500 usd");
  outlook.price_per_hour.reset();
  BOOST_TEST(outlook.text().ends_with("expected loss 1m00s an hour, not measured"));
  outlook.is_automatic = false;
  outlook.every = "100step";
  BOOST_TEST(outlook.text().starts_with("every 100step (2m00s); a save costs 1.0s"));
  outlook.cost = {};
  BOOST_TEST(outlook.text() == "every 100step; what they lose is known once one was measured");
  outlook.is_automatic = true;
  BOOST_TEST(outlook.text() == "auto: the first after 1m00s, then by its cost and 2h00m between interruptions, given");
  BOOST_TEST(to_json(outlook).at("loss_seconds_per_hour").is_null());
}

BOOST_AUTO_TEST_SUITE_END()
