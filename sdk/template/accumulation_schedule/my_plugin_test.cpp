// The schedule keeps the window, halves what does not fit and remembers it, asked through the C ABI as the host asks.
#include <boost/test/unit_test.hpp>
#include <trainhost/testing.hpp>

using namespace trainhost::testing;

BOOST_AUTO_TEST_SUITE(my_plugin_test)

BOOST_AUTO_TEST_CASE(windows_have_one_target_and_no_micro_batch_is_larger) {
  PluginUnderTest schedule;
  auto window = next_window(schedule.create().start());
  BOOST_TEST((window.micro_batch_samples == 8 && window.target_samples == 32 && window.num_micro_batches == 0 && window.target_tokens == 0));
  window = next_window(schedule.create(R"({"window_samples":3})").start());
  BOOST_TEST((window.micro_batch_samples == 3 && window.target_samples == 3));
}

BOOST_AUTO_TEST_CASE(halves_down_to_one_sample_and_then_gives_up) {
  PluginUnderTest schedule;
  schedule.create(R"({"micro_batch_samples":3})").start();
  BOOST_TEST(out_of_memory(schedule, next_window(schedule), 1) == 1u);
  const auto window = next_window(schedule);
  BOOST_TEST((window.micro_batch_samples == 1 && window.target_samples == 32));
  BOOST_TEST(schedule.host.has_logged(TRAINHOST_LOG_WARNING, "going on with 1"));
  BOOST_TEST(status_of([&] { out_of_memory(schedule, window, 2); }) == TRAINHOST_RESOURCE_EXHAUSTED);
}

BOOST_AUTO_TEST_CASE(a_resume_keeps_the_smaller_size) {
  PluginUnderTest before, after;
  before.create().start();
  out_of_memory(before, next_window(before), 1);
  after.create().load(before.save()).start();
  BOOST_TEST(next_window(after).micro_batch_samples == 4u);
}

BOOST_AUTO_TEST_CASE(a_state_that_is_cut_or_odd_changes_nothing) {
  PluginUnderTest schedule;
  schedule.create().start();
  const std::string state = schedule.save();
  for (const std::string& odd : {std::string(), state.substr(1), state + "x", std::string(state.size(), 'x')})
    BOOST_TEST(status_of([&] { schedule.load(odd); }) == TRAINHOST_DATA_LOSS);
  BOOST_TEST(schedule.save() == state);
}

BOOST_AUTO_TEST_SUITE_END()
