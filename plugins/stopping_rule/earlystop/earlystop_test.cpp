// earlystop tells a plateau from a slope, reaches targets, and remembers over a resume.
#include <boost/test/unit_test.hpp>
#include <random>
#include <trainhost/testing.hpp>

using namespace trainhost::testing;

namespace {

// Feeds evaluations until the rule speaks; returns how many it took, or the number of values when it never did.
std::size_t evaluations_until_stop(const PluginUnderTest& rule, const std::vector<double>& losses, double standard_error) {
  for (std::size_t i = 0; i < losses.size(); ++i)
    if (check(rule, {}, {{.value = losses[i], .standard_error = standard_error}}).stop != TRAINHOST_STOP_NO) return i + 1;
  return losses.size();
}

std::vector<double> noisy(double start, double slope, double noise, int count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0.0, noise);
  std::vector<double> out;
  for (int i = 0; i < count; ++i) out.push_back(start - slope * i + normal(random));
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(earlystop_test)

BOOST_AUTO_TEST_CASE(stops_on_pure_noise_in_all_of_100_seeds) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    PluginUnderTest rule;
    rule.create(R"({"patience":5,"num_errors":1})").start();
    // The first evaluation is a gain over nothing; records that beat the noise get ever rarer.
    BOOST_TEST(evaluations_until_stop(rule, noisy(3.0, 0.0, 0.01, 60, seed), 0.01) < 60u, "seed " << seed);
  }
}

BOOST_AUTO_TEST_CASE(goes_on_along_a_true_slope_in_all_of_100_seeds) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    PluginUnderTest rule;
    rule.create(R"({"patience":5,"num_errors":1})").start();
    // Two standard errors an evaluation: even after a lucky low value of three errors, patience 5 outlasts the wait for the next gain.
    BOOST_TEST(evaluations_until_stop(rule, noisy(3.0, 0.02, 0.01, 60, seed), 0.01) == 60u, "seed " << seed);
  }
}

BOOST_AUTO_TEST_CASE(counts_patience_exactly_and_says_why) {
  PluginUnderTest rule;
  rule.create(R"({"patience":2,"min_delta":0.1})").start();
  BOOST_TEST(check(rule, {}, {{.value = 3.0}}).stop == TRAINHOST_STOP_NO);
  BOOST_TEST(check(rule, {}, {{.value = 2.95}}).stop == TRAINHOST_STOP_NO);
  BOOST_TEST(check(rule, {}).stop == TRAINHOST_STOP_NO);  // no evaluation, nothing new
  const Answer answer = check(rule, {}, {{.value = 2.91}});
  BOOST_TEST(answer.stop == TRAINHOST_STOP_DONE);
  BOOST_TEST(answer.restore_best);
  BOOST_TEST(answer.reason == "loss 3 has not improved by 0.1 for 2 evaluations");
}

BOOST_AUTO_TEST_CASE(looks_only_at_its_own_metric_and_set) {
  PluginUnderTest rule;
  rule.create(R"({"patience":1})").start();
  check(rule, {}, {{.value = 3.0}});
  BOOST_TEST(check(rule, {}, {{.set = "other", .value = 9.0}, {.name = "accuracy", .value = 9.0}}).stop == TRAINHOST_STOP_NO);
  BOOST_TEST(check(rule, {}, {{.value = 9.0, .origin = TRAINHOST_METRIC_TRAIN}}).stop == TRAINHOST_STOP_NO);
  BOOST_TEST(check(rule, {}, {{.value = 9.0}}).stop == TRAINHOST_STOP_DONE);
}

BOOST_AUTO_TEST_CASE(stops_at_a_target_even_during_warmup) {
  PluginUnderTest rule;
  rule.create(R"({"target":2.5,"warmup":10})").start();
  BOOST_TEST(check(rule, {}, {{.value = 2.6}}).stop == TRAINHOST_STOP_NO);
  const Answer answer = check(rule, {}, {{.value = 2.5}});
  BOOST_TEST(answer.stop == TRAINHOST_STOP_DONE);
  BOOST_TEST(!answer.restore_best);
  BOOST_TEST(answer.reason == "loss 2.5 has reached the target 2.5");
}

BOOST_AUTO_TEST_CASE(warmup_evaluations_do_not_count) {
  PluginUnderTest rule;
  rule.create(R"({"patience":1,"warmup":3})").start();
  for (const double value : {1.0, 5.0, 5.0, 4.0}) BOOST_TEST(check(rule, {}, {{.value = value}}).stop == TRAINHOST_STOP_NO);
  BOOST_TEST(check(rule, {}, {{.value = 4.0}}).stop == TRAINHOST_STOP_DONE);
}

BOOST_AUTO_TEST_CASE(mode_max_wants_larger_values) {
  PluginUnderTest rule;
  rule.create(R"({"metric":"accuracy","mode":"max","patience":2,"restore_best":false})").start();
  for (const double value : {0.5, 0.6, 0.7, 0.65}) BOOST_TEST(check(rule, {}, {{.name = "accuracy", .value = value}}).stop == TRAINHOST_STOP_NO);
  const Answer answer = check(rule, {}, {{.name = "accuracy", .value = 0.7}});
  BOOST_TEST(answer.stop == TRAINHOST_STOP_DONE);
  BOOST_TEST(!answer.restore_best);
  BOOST_TEST(answer.reason == "accuracy 0.7 has not improved by 0 for 2 evaluations");
}

BOOST_AUTO_TEST_CASE(a_resume_goes_on_counting) {
  PluginUnderTest before, after;
  before.create(R"({"patience":3})").start();
  check(before, {}, {{.value = 3.0}});
  check(before, {}, {{.value = 3.1}});
  check(before, {}, {{.value = 3.1}});
  after.create(R"({"patience":3})").load(before.save()).start();
  BOOST_TEST(after.save() == before.save());
  BOOST_TEST(check(after, {}, {{.value = 3.1}}).stop == TRAINHOST_STOP_DONE);
}

BOOST_AUTO_TEST_CASE(a_cut_state_is_refused_and_changes_nothing) {
  PluginUnderTest rule, other;
  rule.create(R"({"patience":3})").start();
  check(rule, {}, {{.value = 3.0}});
  const std::string state = rule.save();
  other.create(R"({"patience":3})");
  const std::string untouched = other.save();
  for (std::size_t size = 0; size < state.size(); ++size)
    BOOST_TEST(status_of([&] { other.load(state.substr(0, size)); }) == TRAINHOST_DATA_LOSS);
  BOOST_TEST(status_of([&] { other.load(state + "x"); }) == TRAINHOST_DATA_LOSS);
  BOOST_TEST(other.save() == untouched);
}

BOOST_AUTO_TEST_SUITE_END()
