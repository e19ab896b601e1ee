// Saves that overlap training hold the state of their moment, come one at a time, and lose no failure.
#include <boost/test/unit_test.hpp>

#include <future>
#include <map>
#include <thread>

#include "loop/testing/test_run.h"

using namespace trainhost;
using namespace trainhost::testing;

namespace {

struct SaveFixture {
  MemoryStore disk;
  TestRun run{disk};
  std::map<uint64_t, uint64_t> digests;  // of the state after a window

  SaveFixture() {
    run.save_mode = SaveMode::kOverlap;
    run.checkpoint_every = "4window";
    run.engine.before_apply = [this](uint64_t window) { digests[window - 1] = run.engine.digest(); };
  }
  uint64_t saved_digest(const CheckpointInfo& info) {
    const LoadedCheckpoint loaded = CheckpointStore(disk, small_options()).load(info.id);
    uint64_t digest = 0;
    std::memcpy(&digest, loaded.engine.at(0).data, sizeof digest);
    return digest;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(save_test, SaveFixture)

BOOST_AUTO_TEST_CASE(training_goes_on_and_the_next_save_waits_its_turn) {
  std::promise<void> window_nine_begins;
  run.engine.before_copy_ends = [&, waits = window_nine_begins.get_future().share()] { waits.wait(); };
  run.engine.before_apply = [&](uint64_t window) {
    digests[window - 1] = run.engine.digest();
    if (window == 9) window_nine_begins.set_value();
  };
  run.train();
  const std::vector<CheckpointInfo> checkpoints = run.checkpoints();
  BOOST_REQUIRE(checkpoints.size() >= 2u);
  BOOST_TEST(checkpoints.front().window == 4u);
  BOOST_TEST(checkpoints[1].window >= 9u);
  BOOST_TEST(checkpoints.back().window == 20u);
  digests[20] = run.engine.digest();
  for (const CheckpointInfo& info : checkpoints) BOOST_TEST(saved_digest(info) == digests.at(info.window));
}

/// Training waits for the copy, and not for what is written: no part of it is until the next window.
BOOST_AUTO_TEST_CASE(in_mode_wait_training_waits_for_the_copy_alone) {
  run.save_mode = SaveMode::kWait;
  run.max = {interval("6window"), interval("20step")};
  std::promise<void> window_five_begins;
  const std::thread::id training = std::this_thread::get_id();
  bool has_waited_for_copy = false, had_at_five = false;
  run.engine.before_copy_ends = [&] { has_waited_for_copy |= std::this_thread::get_id() == training; };
  run.hooked.before = [waits = window_five_begins.get_future().share()](const std::string& verb, const std::string&) {
    if (verb == "begin") waits.wait();
  };
  run.engine.before_apply = [&](uint64_t window) {
    digests[window - 1] = run.engine.digest();
    if (window != 5) return;
    had_at_five = has_waited_for_copy;
    window_five_begins.set_value();
  };
  run.train();
  digests[6] = run.engine.digest();
  BOOST_TEST(had_at_five);
  const std::vector<CheckpointInfo> checkpoints = run.checkpoints();
  BOOST_REQUIRE(checkpoints.size() == 2u);
  BOOST_TEST((checkpoints[0].window == 4u && checkpoints[1].window == 6u));
  for (const CheckpointInfo& info : checkpoints) BOOST_TEST(saved_digest(info) == digests.at(info.window));
}

BOOST_AUTO_TEST_CASE(a_save_reports_its_parts) {
  run.max = {interval("12window"), interval("20step")};
  run.checkpoint_every = "6window";
  run.train();
  const std::vector<Event> saved = run.events_of("checkpoint_saved");
  BOOST_REQUIRE(saved.size() == 2u);
  BOOST_TEST(saved.front().details.at("copy_seconds") == 0.5);
  BOOST_TEST(saved.back().details.at("copy_seconds") == 0.0);  // the last one has nothing to overlap with
  for (const Event& event : saved) {
    for (const char* name : {"seconds", "write_seconds", "commit_seconds"}) BOOST_TEST(event.details.at(name) >= 0.0, name);
    uint64_t bytes = 0;
    for (const auto& [key, content] : disk.contents)
      if (key.starts_with(event.details.at("key").get<std::string>() + "/") && (key.ends_with(".safetensors") || key.ends_with(".json"))) bytes += content.size();
    BOOST_TEST(event.details.at("bytes") == bytes);
  }
}

/// Rows are seen eight windows late: what counts is when a window ran. Those behind the thirtieth, where the save begins, take longer.
BOOST_AUTO_TEST_CASE(a_save_reports_the_windows_beside_it_and_the_others) {
  run.max = {interval("40window"), interval("80step")};
  run.checkpoint_every = "30window";
  run.engine.window_seconds = [](uint64_t window) { return window <= 30 ? 0.25 : 0.75; };
  std::promise<void> window_thirty_five_begins;
  run.engine.before_copy_ends = [waits = window_thirty_five_begins.get_future().share()] { waits.wait(); };
  run.engine.before_apply = [&](uint64_t window) {
    if (window == 35) window_thirty_five_begins.set_value();
  };
  run.train();
  std::vector<double> during, outside;
  for (const Event& event : run.events_of("checkpoint_saved"))
    for (const char* name : {"p50", "p99"}) {
      if (const auto& value = event.details.at(format("window_{}_during", name)); !value.is_null()) during.push_back(value);
      if (const auto& value = event.details.at(format("window_{}_outside", name)); !value.is_null()) outside.push_back(value);
    }
  BOOST_TEST(!during.empty());
  for (const double seconds : during) BOOST_TEST(seconds == 0.75);
  BOOST_TEST_REQUIRE(outside.size() >= 2u);
  BOOST_TEST((outside[0] == 0.25 && outside[1] == 0.25));
}

BOOST_AUTO_TEST_CASE(a_save_that_ended_is_entered_before_the_next_one_begins) {
  run.max = {interval("300window"), interval("1000step")};
  run.checkpoint_every = "1window";
  run.good_after = 1000;
  run.train();
  std::map<std::string, uint64_t> windows;
  for (const CheckpointInfo& info : run.checkpoints()) windows[info.id] = info.window;
  BOOST_REQUIRE(windows.size() > 2u);
  for (const auto& [id, pending] : run.state.pending_good) BOOST_TEST(pending.window == windows.at(id), id);
}

BOOST_AUTO_TEST_CASE(an_automatic_interval_begins_with_a_save_that_is_measured) {
  run.save_mode = SaveMode::kSync;
  run.checkpoint_every = "auto";
  run.seconds_between_interruptions = 1e-9;  // so that the interval is next to nothing
  run.max = {interval("9window")};
  run.engine.before_apply = [&](uint64_t) { run.seconds += 10; };
  run.train();
  BOOST_TEST(run.numbers("checkpoint_saved", "window") == (std::vector<uint64_t>{6, 7, 8, 9}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_automatic_interval_is_long_where_interruptions_are_rare) {
  run.save_mode = SaveMode::kSync;
  run.checkpoint_every = "auto";
  run.seconds_between_interruptions = 1e30;
  run.max = {interval("20window")};
  run.engine.before_apply = [&](uint64_t) { run.seconds += 10; };
  run.train();
  BOOST_TEST(run.numbers("checkpoint_saved", "window") == (std::vector<uint64_t>{6, 20}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_failure_behind_the_loop_ends_the_run_with_sixteen) {
  run.hooked.before = [](const std::string& verb, const std::string&) {
    if (verb == "begin") throw PluginCallError(ExitCode::kCheckpointUnwritable, "test", TRAINHOST_RESOURCE_EXHAUSTED, "the disk is full");
  };
  run.max = {interval("1000000window"), interval("1000000step")};
  const std::string message = message_of(ExitCode::kCheckpointUnwritable, [&] { run.train(); });
  BOOST_TEST(message.find("checkpoint of step 4 was not saved: the disk is full") != std::string::npos, message);
}

BOOST_AUTO_TEST_CASE(a_failure_of_training_waits_for_the_save_under_way) {
  std::promise<void> rule_fails;
  run.engine.before_copy_ends = [waits = rule_fails.get_future().share()] { waits.wait(); };
  run.engine.before_apply = [&](uint64_t window) {
    if (window != 7) return;
    rule_fails.set_value();
    throw Error(ExitCode::kData, "the data is gone");
  };
  message_of(ExitCode::kData, [&] { run.train(); });
  BOOST_REQUIRE(run.checkpoints().size() == 2u);
  BOOST_TEST(run.checkpoints().front().window == 4u);
  BOOST_TEST(run.checkpoints().back().window == 6u);
}

BOOST_AUTO_TEST_CASE(windows_that_pass_while_it_is_saved_count_for_its_health) {
  std::promise<void> saved_late;
  run.checkpoint_every = "4window";
  run.good_after = 6;
  run.max = {interval("1000window"), interval("2000step")};  // long enough for the loop to hear of it
  run.engine.before_copy_ends = [waits = saved_late.get_future().share()] { waits.wait(); };
  run.engine.fate = [](uint64_t window) { return window == 6 ? FakeEngine::Fate::kNotFinite : FakeEngine::Fate::kApplied; };
  run.engine.before_apply = [&](uint64_t window) {
    if (window == 18) saved_late.set_value();  // by now window 6 has been seen
  };
  run.train();
  const std::vector<uint64_t> good = run.numbers("checkpoint_good", "step");
  BOOST_TEST(!good.empty());
  for (const uint64_t step : good) BOOST_TEST(step >= 11u);  // window 6 broke the row: six healthy ones end with window 12, step 11
}

BOOST_AUTO_TEST_CASE(a_resume_from_an_overlapped_save_ends_as_the_straight_run) {
  run.max = {interval("12step")};
  run.train();
  TestRun rest(disk);
  rest.save_mode = SaveMode::kOverlap;
  rest.train();
  MemoryStore other_disk;
  TestRun straight(other_disk);
  straight.train();
  BOOST_TEST(rest.engine.digest() == straight.engine.digest());
}

BOOST_AUTO_TEST_SUITE_END()
