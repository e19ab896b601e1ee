// What the loop does when something fails: memory, data, plugins, disks, and signals.
#include <signal.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include <future>

#include "loop/testing/test_run.h"

using namespace trainhost;
using namespace trainhost::testing;

namespace {

struct FailuresFixture {
  MemoryStore disk;
  TestRun run{disk};

  // The message of the Error that ends the run.
  std::string failure(ExitCode code) {
    return message_of(code, [&] { run.train(); });
  }
};

// Blocks the signals for this thread while it lives, so that they reach the thread that waits for them.
struct Signals {
  sigset_t before;
  std::promise<std::string> arrived;
  std::unique_ptr<Preemption> preemption;

  Signals() {
    pthread_sigmask(SIG_BLOCK, nullptr, &before);
    block_run_signals();
    preemption = std::make_unique<Preemption>([this](const std::string& name) { arrived.set_value(name); });
  }
  ~Signals() {
    preemption.reset();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  std::string send(int number) {
    ::kill(::getpid(), number);
    return arrived.get_future().get();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(failures_test, FailuresFixture)

BOOST_AUTO_TEST_CASE(out_of_memory_retries_the_same_samples_in_smaller_pieces) {
  MemoryStore other_disk;
  TestRun roomy(other_disk);
  roomy.train();
  run.accumulation.shape.micro_batch_samples = 8;
  run.engine.max_samples = 3;
  run.train();
  BOOST_TEST(run.engine.ids == roomy.engine.ids);
  BOOST_TEST(run.engine.digest() == roomy.engine.digest());
  const std::vector<uint64_t> pieces{2, 2, 2, 2}, tried{4, 2}, attempts{1, 2};
  for (const auto& [window, sizes] : run.engine.pieces) BOOST_TEST(sizes == pieces, boost::test_tools::per_element());
  BOOST_TEST(run.numbers("out_of_memory", "micro_batch_samples") == tried, boost::test_tools::per_element());
  BOOST_TEST(run.numbers("out_of_memory", "attempt") == attempts, boost::test_tools::per_element());
  BOOST_TEST(run.engine.num_abandoned == 2u);
}

BOOST_AUTO_TEST_CASE(memory_that_runs_out_later_costs_one_window_only) {
  MemoryStore other_disk;
  TestRun roomy(other_disk);
  roomy.train();
  run.engine.before_apply = [&](uint64_t window) { run.engine.max_samples = window < 7 ? 4 : 2; };
  run.train();
  BOOST_TEST(run.engine.ids == roomy.engine.ids);
  BOOST_TEST(run.numbers("out_of_memory", "window") == std::vector<uint64_t>{8}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(one_sample_that_does_not_fit_ends_with_the_schedule_s_words_and_saves) {
  run.engine.before_apply = [&](uint64_t window) { run.engine.max_samples = window < 7 ? 4 : 0; };
  BOOST_TEST(contains(failure(ExitCode::kOutOfMemory), "nothing smaller is left"));
  BOOST_TEST(run.checkpoints().back().window == 7u);
}

BOOST_AUTO_TEST_CASE(an_evaluation_that_does_not_fit_goes_on_in_smaller_pieces) {
  run.engine.max_evaluation_samples = 1;
  run.evaluate_every = "10step";
  run.train();
  BOOST_TEST(run.events_of("evaluation").size() == 2u);
  BOOST_TEST(run.engine.num_evaluations == 2u);
}

BOOST_AUTO_TEST_CASE(data_that_cannot_be_read_ends_the_run_and_saves_the_windows_before) {
  run.source.before_sample = [&](uint64_t) { return run.source.samples_read > 80 ? TRAINHOST_NOT_FOUND : TRAINHOST_OK; };
  BOOST_TEST(contains(failure(ExitCode::kData), "made to fail"));
  BOOST_TEST(run.state.windows > 0u);
  BOOST_TEST(run.checkpoints().back().window == run.state.windows);
  TestRun second(disk);
  BOOST_TEST(static_cast<int>(second.train().code) == 0);
  BOOST_TEST(second.restored_window == run.state.windows);
}

BOOST_AUTO_TEST_CASE(three_failures_of_a_rule_in_a_row_end_the_run_and_save) {
  uint64_t calls = 0;
  run.rule.fails = [&] { return ++calls >= 10; };
  BOOST_TEST(contains(failure(ExitCode::kPlugin), "made to fail"));
  BOOST_TEST(calls == 12u);
  BOOST_TEST(run.checkpoints().back().window == 11u);  // the rule is asked once before the first window
}

BOOST_AUTO_TEST_CASE(a_disk_that_takes_nothing_ends_the_run_without_a_second_try) {
  uint64_t commits = 0;
  run.checkpoint_every = "5window";
  run.hooked.before = [&](const std::string& verb, const std::string& key) {
    if (verb != "create" || !contains(key, "commit")) return;
    ++commits;
    throw store_failure(TRAINHOST_RESOURCE_EXHAUSTED, "no space left");
  };
  BOOST_TEST(contains(failure(ExitCode::kCheckpointUnwritable), "no space left"));
  BOOST_TEST(commits == 1u);
  BOOST_TEST(run.checkpoints().empty());
}

BOOST_AUTO_TEST_CASE(an_error_saves_no_condemned_window) {
  run.engine.fate = [](uint64_t window) { return window >= 3 ? FakeEngine::Fate::kNotFinite : FakeEngine::Fate::kApplied; };
  run.rule.fails = [&] { return run.engine.rows.size() >= 6; };
  run.checkpoint_every = "2window";
  failure(ExitCode::kPlugin);
  BOOST_TEST(run.checkpoints().back().window == 4u);
}

BOOST_AUTO_TEST_CASE(a_signal_finishes_the_window_saves_and_gives_75) {
  Signals signals;
  run.preemption = signals.preemption.get();
  run.engine.before_apply = [&](uint64_t window) {
    if (window == 6) BOOST_TEST(signals.send(SIGTERM) == "SIGTERM");
  };
  const Outcome outcome = run.train();
  BOOST_TEST(static_cast<int>(outcome.code) == 75);
  BOOST_TEST(contains(outcome.reason, "SIGTERM"));
  BOOST_TEST(run.state.windows == 6u);
  BOOST_TEST(run.checkpoints().back().window == 6u);
  BOOST_TEST(run.events_of("preempted").size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_signal_inside_of_an_evaluation_leaves_it_pending) {
  run.evaluate_every = "5step";
  {
    Signals signals;
    run.preemption = signals.preemption.get();
    run.engine.during_evaluation = [&, is_first = true]() mutable {
      if (std::exchange(is_first, false)) signals.send(SIGUSR1);
    };
    BOOST_TEST(static_cast<int>(run.train().code) == 75);
    run.preemption = nullptr;
  }
  BOOST_TEST(run.events_of("evaluation").empty());
  BOOST_TEST(run.state.windows == 5u);
  TestRun second(disk);
  second.evaluate_every = "5step";
  second.train();
  const std::vector<uint64_t> wanted{5, 10, 15, 20};
  BOOST_TEST(second.numbers("evaluation", "step") == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_signal_inside_of_the_last_evaluation_leaves_each_set_pending_once) {
  run.evaluate_every = "20step";
  run.num_evaluation_sets = 2;
  {
    Signals signals;
    run.preemption = signals.preemption.get();
    run.engine.during_evaluation = [&, is_first = true]() mutable {
      if (std::exchange(is_first, false)) signals.send(SIGINT);
    };
    BOOST_TEST(static_cast<int>(run.train().code) == 75);
    run.preemption = nullptr;
  }
  TestRun second(disk);
  second.evaluate_every = "20step";
  second.num_evaluation_sets = 2;
  BOOST_TEST(static_cast<int>(second.train().code) == 0);
  const std::vector<uint64_t> wanted{20, 20};
  BOOST_TEST(second.numbers("evaluation", "step") == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
