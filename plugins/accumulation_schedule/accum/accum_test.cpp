// accum keeps the window's size whatever the micro-batches are, and remembers what did not fit.
#include <boost/test/unit_test.hpp>
#include <trainhost/testing.hpp>

using namespace trainhost::testing;

BOOST_AUTO_TEST_SUITE(accum_test)

BOOST_AUTO_TEST_CASE(by_default_one_micro_batch_of_8_samples) {
  PluginUnderTest schedule;
  const auto window = next_window(schedule.create().start());
  BOOST_TEST(window.micro_batch_samples == 8u);
  BOOST_TEST(window.num_micro_batches == 1u);
  BOOST_TEST(window.target_samples + window.target_tokens == 0u);
}

BOOST_AUTO_TEST_CASE(exactly_one_target_is_set) {
  PluginUnderTest schedule;
  auto window = next_window(schedule.create(R"({"micro_batch_samples":4,"target_samples":30})").start());
  BOOST_TEST((window.num_micro_batches == 0 && window.target_samples == 30 && window.target_tokens == 0 && window.micro_batch_samples == 4));
  window = next_window(schedule.create(R"({"target_tokens":4096})").start());
  BOOST_TEST((window.num_micro_batches == 0 && window.target_samples == 0 && window.target_tokens == 4096));
  window = next_window(schedule.create(R"({"micro_batches":4})").start());
  BOOST_TEST((window.num_micro_batches == 4 && window.target_samples == 0 && window.target_tokens == 0));
}

BOOST_AUTO_TEST_CASE(two_targets_are_refused) {
  PluginUnderTest schedule;
  BOOST_TEST(status_of([&] { schedule.create(R"({"micro_batches":4,"target_tokens":4096})"); }) == TRAINHOST_INVALID_ARGUMENT);
}

BOOST_AUTO_TEST_CASE(out_of_memory_halves_and_later_windows_keep_their_size) {
  PluginUnderTest schedule;
  schedule.create(R"({"micro_batch_samples":8,"micro_batches":4})").start();
  BOOST_TEST(out_of_memory(schedule, next_window(schedule), 1) == 4u);
  const auto window = next_window(schedule);
  BOOST_TEST(window.micro_batch_samples == 4u);
  BOOST_TEST(window.num_micro_batches == 8u);
  BOOST_TEST(schedule.host.has_logged(TRAINHOST_LOG_WARNING, "going on with 4"));
}

BOOST_AUTO_TEST_CASE(sizes_that_do_not_divide_become_a_target_over_all_ranks) {
  PluginUnderTest schedule;
  schedule.host.world_size = 2;
  schedule.create(R"({"micro_batch_samples":7,"micro_batches":2})").start();
  BOOST_TEST(out_of_memory(schedule, next_window(schedule), 1) == 3u);
  const auto window = next_window(schedule);
  BOOST_TEST((window.micro_batch_samples == 3 && window.num_micro_batches == 0 && window.target_samples == 28));
}

BOOST_AUTO_TEST_CASE(halves_down_to_one_sample_and_then_gives_up_with_a_remedy) {
  PluginUnderTest schedule;
  schedule.create(R"({"micro_batch_samples":6,"target_samples":6})").start();
  BOOST_TEST(out_of_memory(schedule, next_window(schedule), 1) == 3u);
  BOOST_TEST(out_of_memory(schedule, next_window(schedule), 2) == 1u);
  const auto last = next_window(schedule);
  BOOST_TEST(status_of([&] { out_of_memory(schedule, last, 3); }) == TRAINHOST_RESOURCE_EXHAUSTED);
  BOOST_TEST(words_of([&] { out_of_memory(schedule, last, 3); }).find("one sample does not fit") == 0u);
}

BOOST_AUTO_TEST_CASE(a_resume_keeps_the_smaller_size_and_says_so) {
  PluginUnderTest before, after;
  before.create(R"({"micro_batch_samples":8})").start();
  out_of_memory(before, next_window(before), 1);
  after.create(R"({"micro_batch_samples":8})").load(before.save()).start();
  BOOST_TEST(next_window(after).micro_batch_samples == 4u);
  BOOST_TEST(after.host.has_logged(TRAINHOST_LOG_INFO, "4 samples instead of 8"));
}

BOOST_AUTO_TEST_SUITE_END()
