// cosine rises, falls and ends where it should, whatever pieces the host asks for.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>
#include <trainhost/testing.hpp>

using namespace trainhost::testing;

namespace {

// The factors of steps begin .. end - 1 of a run of `length` steps.
std::vector<double> table(const PluginUnderTest& schedule, int begin, int end, int length) {
  trainhost::Progress at;
  at.step = static_cast<std::uint64_t>(begin);
  std::vector<double> fractions;
  for (int step = begin; step < end; ++step) fractions.push_back(static_cast<double>(step) / length);
  return factors(schedule, at, fractions);
}

constexpr double kTolerance = 1e-12;  // a handful of roundings of doubles near 1

}  // namespace

BOOST_AUTO_TEST_SUITE(cosine_test)

BOOST_AUTO_TEST_CASE(is_half_a_cosine_without_warmup) {
  PluginUnderTest schedule;
  schedule.create().start();
  const auto got = table(schedule, 0, 101, 100);
  for (int step = 0; step <= 100; ++step)
    BOOST_TEST(std::abs(got[static_cast<std::size_t>(step)] - 0.5 * (1 + std::cos(std::numbers::pi * step / 100))) < kTolerance);
}

BOOST_AUTO_TEST_CASE(warmup_in_steps_rises_to_one_and_the_floor_is_reached_at_the_end) {
  PluginUnderTest schedule;
  schedule.create(R"({"warmup":"9step","floor":0.1})").start();
  const auto got = table(schedule, 0, 110, 109);
  for (std::size_t step = 0; step < 9; ++step) BOOST_TEST(std::abs(got[step] - 0.1 * static_cast<double>(step + 1)) < kTolerance);
  BOOST_TEST(std::abs(got[9] - 1.0) < kTolerance);
  BOOST_TEST(std::abs(got[59] - 0.55) < kTolerance);  // half way down
  BOOST_TEST(std::abs(got[109] - 0.1) < kTolerance);
}

BOOST_AUTO_TEST_CASE(warmup_in_percent_rises_with_the_fraction) {
  PluginUnderTest schedule;
  schedule.create(R"({"warmup":"10%"})").start();
  const auto got = table(schedule, 0, 101, 100);
  BOOST_TEST(std::abs(got[5] - 0.5) < kTolerance);
  BOOST_TEST(std::abs(got[10] - 1.0) < kTolerance);
  BOOST_TEST(std::abs(got[55] - 0.5) < kTolerance);
}

BOOST_AUTO_TEST_CASE(a_step_has_one_factor_however_the_host_cuts_its_table) {
  PluginUnderTest schedule;
  schedule.create(R"({"warmup":"7step","floor":0.05})").start();
  const auto whole = table(schedule, 0, 100, 100);
  for (int step = 0; step < 100; ++step) BOOST_TEST(table(schedule, step, step + 1, 100).front() == whole[static_cast<std::size_t>(step)]);
}

BOOST_AUTO_TEST_CASE(a_length_of_its_own_needs_no_length_of_the_run) {
  PluginUnderTest schedule;
  schedule.create(R"({"length":"50step","floor":0.2})").start();
  trainhost::Progress at;
  at.step = 25;
  const double unknown = std::numeric_limits<double>::quiet_NaN();
  BOOST_TEST(std::abs(factors(schedule, at, {unknown}).front() - 0.6) < kTolerance);
  at.step = 80;
  BOOST_TEST(factors(schedule, at, {unknown}).front() == 0.2, boost::test_tools::tolerance(kTolerance));
}

BOOST_AUTO_TEST_CASE(a_length_in_percent_is_of_the_run_and_other_units_are_the_hosts) {
  PluginUnderTest schedule;
  BOOST_TEST(std::abs(factors(schedule.create(R"({"length":"80%"})").start(), {}, {0.4}).front() - 0.5) < kTolerance);
  BOOST_TEST(std::abs(factors(schedule.create(R"({"length":"2epoch"})").start(), {}, {0.5}).front() - 0.5) < kTolerance);
}

BOOST_AUTO_TEST_CASE(a_run_without_a_length_is_refused_with_a_remedy) {
  PluginUnderTest schedule;
  schedule.create().start();
  const auto ask = [&] { factors(schedule, {}, {std::numeric_limits<double>::quiet_NaN()}); };
  BOOST_TEST(status_of(ask) == TRAINHOST_FAILED_PRECONDITION);
  BOOST_TEST(words_of(ask).find("state max in steps") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(intervals_that_it_cannot_tell_are_refused_by_create) {
  PluginUnderTest schedule;
  for (const char* warmup : {"3epoch", "-1step", "101%", "step", "", "10 step"})
    BOOST_TEST(status_of([&] { schedule.create(trainhost::format(R"({{"warmup":"{}"}})", warmup)); }) == TRAINHOST_INVALID_ARGUMENT, warmup);
  BOOST_TEST(words_of([&] { schedule.create(R"({"warmup":"3epoch"})"); }) ==
             "cosine.warmup: got \"3epoch\", wanted steps (\"100step\") or a share of the run (\"5%\")");
  BOOST_TEST(status_of([&] { schedule.create(R"({"warmup":"60step","length":"50step"})"); }) == TRAINHOST_INVALID_ARGUMENT);
}

BOOST_AUTO_TEST_SUITE_END()
