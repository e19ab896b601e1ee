// Each kind's class: answers come through, failures become errors with the right exit code, nonsense is refused.
#include <cmath>
#include <limits>

#include "plugin/accumulation_schedule.h"
#include "plugin/lr_schedule.h"
#include "plugin/observer.h"
#include "plugin/plugin_testing.h"
#include "plugin/precision_policy.h"
#include "plugin/stopping_rule.h"

namespace trainhost {
BOOST_AUTO_TEST_SUITE(kinds_test)

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// A device on which 8 samples fit or do not.
class FakeProbe : public MemoryProbe {
 public:
  explicit FakeProbe(bool fits) : fits_(fits) {}
  trainhost_probe probe(uint64_t) override { return {0, fits_, 1, 2, 0.5}; }
  std::string fingerprint() override { return "abc"; }

 private:
  bool fits_;
};

Verdict check(std::string_view behaviour) {
  const auto instance = zoo_instance("good", "", behaviour);
  return StoppingRule(*instance).check({}, {});
}

trainhost_window next_window(std::string_view behaviour, bool fits = true, CallMeter* meter = nullptr) {
  FakeProbe probe(fits);
  const auto instance = zoo_instance("kinds", "zoo_accum", behaviour, {.meter = meter, .memory = &probe});
  return AccumulationSchedule(*instance).next_window({});
}

uint64_t out_of_memory(std::string_view behaviour, uint64_t samples) {
  FakeProbe probe(true);
  const auto instance = zoo_instance("kinds", "zoo_accum", behaviour, {.memory = &probe});
  trainhost_window failed{};
  failed.micro_batch_samples = samples;
  return AccumulationSchedule(*instance).out_of_memory(failed, 1);
}

trainhost_precision_plan plan(std::string_view behaviour, int32_t device_type = TRAINHOST_DEVICE_CUDA) {
  const auto instance = zoo_instance("kinds", "zoo_policy", behaviour);
  trainhost_device_facts device{};
  device.device_type = device_type;
  return PrecisionPolicy(*instance).plan(device);
}

std::vector<double> factors(std::string_view behaviour, const std::vector<double>& fractions) {
  const auto instance = zoo_instance("kinds", "zoo_rates", behaviour);
  trainhost_progress progress{};
  progress.step = 5;
  return LrSchedule(*instance).factors(progress, fractions);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_verdict_comes_through) {
  const Verdict verdict = check("");
  BOOST_TEST(verdict.stop == TRAINHOST_STOP_BUDGET);
  BOOST_TEST(verdict.restore_best);
  BOOST_TEST(verdict.reason == "spent 4.20 of 4.00 usd");
  BOOST_TEST(check("says_no").stop == TRAINHOST_STOP_NO);
  BOOST_TEST(check("unknown_stop").stop == TRAINHOST_STOP_DONE);
}

BOOST_AUTO_TEST_CASE(a_corrupt_verdict_is_an_error_of_the_plugin) {
  const std::string_view place = "stopping_rule/good: check: ";
  expect_error(ExitCode::kPlugin, {place, "reason_length is 5000, wanted at most 496; the reason begins \"spent 4.20"}, [] { check("long_reason"); });
  expect_error(ExitCode::kPlugin, {place, "its reason is not UTF-8: \"caf\xef\xbf\xbd\""}, [] { check("latin1_reason"); });
  expect_error(ExitCode::kPlugin, {place, "said stop (2) without a reason"}, [] { check("no_reason"); });
  expect_error(ExitCode::kPlugin, {place, "wrote beyond its verdict", "good.so"}, [] { check("overflows"); });
}

BOOST_AUTO_TEST_CASE(errors_keep_their_status_and_their_words_are_cleaned) {
  try {
    check("unavailable");
    BOOST_ERROR("nothing was thrown");
  } catch (const PluginCallError& error) {
    BOOST_TEST(error.status() == TRAINHOST_UNAVAILABLE);
    BOOST_TEST(error.is_retryable());
    BOOST_TEST(error.plugin() == "stopping_rule/good");
    BOOST_TEST(error.what() == "stopping_rule/good: check: UNAVAILABLE: come back later");
  }
  expect_error(ExitCode::kPlugin, {"check: UNKNOWN (99): no words"}, [] { check("odd_status"); });
  expect_error(ExitCode::kPlugin, {"check: INTERNAL: caf\xef\xbf\xbd au lait"}, [] { check("latin1_words"); });
  BOOST_TEST(expect_error(ExitCode::kPlugin, {"check: INTERNAL: wwww"}, [] { check("long_words"); }).size() < 600);
}

BOOST_AUTO_TEST_CASE(an_exception_is_caught_at_the_boundary) {
  expect_error(ExitCode::kPlugin, {"stopping_rule/good: check: threw an exception (thrown on purpose), which must not leave a plugin"},
               [] { check("throws"); });
}

BOOST_AUTO_TEST_CASE(windows_come_through_and_are_checked) {
  BOOST_TEST(next_window("").micro_batch_samples == 8);
  BOOST_TEST(next_window("", false).micro_batch_samples == 4);
  expect_error(ExitCode::kPlugin, {"next_window: micro_batch_samples is 0"}, [] { next_window("zero_samples"); });
  expect_error(ExitCode::kPlugin, {"wanted exactly one that is not 0"}, [] { next_window("no_target"); });
  expect_error(ExitCode::kPlugin, {"num_micro_batches 2, target_samples 0 and target_tokens 5"}, [] { next_window("two_targets"); });
}

BOOST_AUTO_TEST_CASE(a_trial_is_not_the_plugins_time) {
  RecordingMeter meter;
  next_window("", true, &meter);
  const std::string account = "accumulation_schedule/zoo_accum ", call = "+" + account + "-" + account;
  BOOST_TEST(meter.text.find(call + call + call) != std::string::npos);
  BOOST_TEST(meter.num_open() == 0);
}

BOOST_AUTO_TEST_CASE(a_trial_on_another_thread_is_refused) {
  expect_error(ExitCode::kPlugin, {"next_window: FAILED_PRECONDITION: probe was called on another thread than next_window"},
               [] { next_window("probes_elsewhere"); });
}

BOOST_AUTO_TEST_CASE(ok_with_nothing_done_is_no_answer) {
  expect_error(ExitCode::kPlugin, {"next_window: micro_batch_samples is 0"}, [] { next_window("does_nothing"); });
  expect_error(ExitCode::kPlugin, {"the factor of step 5 is nan"}, [] { factors("does_nothing", {0.5}); });
}

BOOST_AUTO_TEST_CASE(out_of_memory_answers_smaller_pieces_or_exit_15) {
  BOOST_TEST(out_of_memory("", 8) == 4);
  expect_error(ExitCode::kOutOfMemory, {"out_of_memory: RESOURCE_EXHAUSTED: one sample does not fit"}, [] { out_of_memory("", 1); });
  expect_error(ExitCode::kPlugin, {"answered 8 samples a micro-batch, wanted 1 to 7"}, [] { out_of_memory("stubborn", 8); });
  expect_error(ExitCode::kPlugin, {"FAILED_PRECONDITION: probe was called outside of next_window"}, [] { out_of_memory("probes_late", 8); });
}

BOOST_AUTO_TEST_CASE(a_schedule_that_needs_trials_is_refused_without_them) {
  expect_error(ExitCode::kPlugin, {"needs the service trainhost.memory/1"}, [] { zoo_instance("kinds", "zoo_accum"); });
}

BOOST_AUTO_TEST_CASE(plans_come_through_and_are_checked) {
  const trainhost_precision_plan good = plan("");
  BOOST_TEST(good.compute.bits == 16);
  BOOST_TEST(good.master.bits == 32);
  BOOST_TEST(good.initial_scale == 65536);
  expect_error(ExitCode::kConfig, {"plan: FAILED_PRECONDITION: needs a GPU"}, [] { plan("", TRAINHOST_DEVICE_CPU); });
  expect_error(ExitCode::kPlugin, {"the format of compute is int8, wanted a floating-point one"}, [] { plan("integers"); });
  expect_error(ExitCode::kPlugin, {"flags are 64, of which this host does not know 64"}, [] { plan("odd_flag"); });
  expect_error(ExitCode::kPlugin, {"initial_scale nan lies outside of"}, [] { plan("bad_scale"); });
  expect_error(ExitCode::kPlugin, {"backoff_factor is 1, wanted between 0 and 1"}, [] { plan("bad_backoff"); });
}

BOOST_AUTO_TEST_CASE(a_layer_may_have_its_own_format) {
  const trainhost_dtype planned{TRAINHOST_DTYPE_FLOAT, 32, 1};
  const auto with = zoo_instance("kinds", "zoo_policy"), without = zoo_instance("kinds", "zoo_policy", "no_layers");
  BOOST_TEST(PrecisionPolicy(*with).format_of("head", TRAINHOST_ROLE_WEIGHT, planned).bits == 8);
  BOOST_TEST(PrecisionPolicy(*without).format_of("head", TRAINHOST_ROLE_WEIGHT, planned).bits == 32);
}

BOOST_AUTO_TEST_CASE(factors_come_through_and_are_checked) {
  BOOST_TEST(factors("", {0.0, 0.25}) == (std::vector<double>{1, 0.75}), boost::test_tools::per_element());
  expect_error(ExitCode::kConfig, {"factors: FAILED_PRECONDITION: needs the length of the run"}, [] { factors("", {kNan}); });
  expect_error(ExitCode::kPlugin, {"the factor of step 5 is inf"}, [] { factors("infinite", {0.5}); });
  expect_error(ExitCode::kPlugin, {"the factor of step 5 is -1"}, [] { factors("negative", {0.5}); });
}

BOOST_AUTO_TEST_CASE(update_is_optional) {
  trainhost_metric high{}, low{};
  high.value = 2, low.value = 0.5;
  const auto reacting = zoo_instance("kinds", "zoo_rates"), steady = zoo_instance("kinds", "zoo_rates", "steady");
  BOOST_TEST(LrSchedule(*reacting).update({}, {&high, 1}));
  BOOST_TEST(!LrSchedule(*reacting).update({}, {&low, 1}));
  BOOST_TEST(!LrSchedule(*steady).has_update());
  BOOST_TEST(!LrSchedule(*steady).update({}, {&high, 1}));
}

BOOST_AUTO_TEST_CASE(events_reach_observers_of_any_kind) {
  const auto rule = zoo_instance("good"), rates = zoo_instance("kinds", "zoo_rates");
  BOOST_TEST(Observer::is_offered(*rule));
  BOOST_TEST(!Observer::is_offered(*rates));
  const trainhost_progress progress{};
  trainhost_event event{};
  event.name = {"step", 4};
  event.progress = &progress;
  BOOST_CHECK_NO_THROW(Observer(*rule).on_event(event));
  event.name = {"bad", 3};
  expect_error(ExitCode::kPlugin, {"stopping_rule/good: on_event: UNKNOWN: do not like it"}, [&] { Observer(*rule).on_event(event); });
  expect_error(ExitCode::kPlugin, {"has no interface trainhost.observer/1"}, [&] { Observer observer(*rates); });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
