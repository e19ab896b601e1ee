// The power goes at any moment of a run: of all that no fsync covers, anything may be left. The old checkpoint is there or the new one, and what was announced.
#include <boost/test/unit_test.hpp>

#include <random>

#include "disk_history.h"
#include "places.h"

using namespace crash;
namespace fs = std::filesystem;

namespace {

struct Cut {
  size_t at;
  Loss loss;
  uint64_t seed = 0;
};

constexpr Loss kLosses[] = {Loss::kNothing, Loss::kEverything, Loss::kBytes, Loss::kZeroed, Loss::kNames, Loss::kTail, Loss::kScattered};

/// What a new process finds wrong after the cut; empty when all is well. All that has a commit record is right, also what retention was removing.
std::string fault_after(const DiskHistory& history, const Cut& cut, Honoured honoured = {}) {
  const Scratch scratch;
  history.build(cut.at, cut.loss, cut.seed, scratch.path(), honoured);
  const Ending ending = run_plain(writer(scratch.path() / "place", {"restore", "verify", "save", "restore"}));
  const std::vector<Said> said = parse(ending.output);
  const uint64_t announced = newest_step(history.words(cut.at));
  const bool is_right = ending.exit_code == 0 && said.size() == 4 && said[0].verb == "restored" && said[0].step >= announced && said[0].step <= announced + 1 && said[1].verb == "right" &&
                        said[2].verb == "saved" && said[3].verb == "restored" && said[3].step == said[0].step + 1;
  if (is_right) return {};
  return "cut after " + std::to_string(cut.at) + " events, loss " + std::to_string(static_cast<int>(cut.loss)) + ", announced " + std::to_string(announced) + ":\n" + ending.output;
}

void run(DiskHistory& history, const fs::path& folder, const Verbs& verbs) {
  history.begin_program();
  const Ending ending = run_traced(writer(folder / "place", verbs), history.watch());
  BOOST_TEST_REQUIRE(ending.exit_code == 0, ending.output);
}

/// A run that begins with nothing, and one that finds its checkpoints and removes the older ones.
struct TwoRuns {
  Scratch scratch;
  DiskHistory history{scratch.path()};
  TwoRuns() {
    run(history, scratch.path(), {"restore", "save", "save"});
    run(history, scratch.path(), {"restore", "save", "good", "save"});
    BOOST_TEST_REQUIRE(newest_step(history.words(history.size())) == 4u);
  }
};

/// How many cuts at any moment a new process does not survive.
size_t num_faults(const DiskHistory& history, Loss loss, Honoured honoured) {
  size_t number = 0;
  for (size_t at = 0; at <= history.size(); at += 3) number += !fault_after(history, {at, loss, at}, honoured).empty();
  return number + !fault_after(history, {history.size(), loss}, honoured).empty();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(power_cut_test)

BOOST_AUTO_TEST_CASE(at_any_moment_with_any_loss) {
  const TwoRuns runs;
  size_t num_cuts = 0;
  for (size_t at = 0; at <= runs.history.size(); ++at)
    for (const Loss loss : kLosses) {
      BOOST_TEST_REQUIRE(fault_after(runs.history, {at, loss, at}) == "");
      ++num_cuts;
    }
  BOOST_TEST_MESSAGE(num_cuts << " cuts");
  BOOST_TEST(num_cuts > 1000u);
}

/// What a killed process made and had no time to sync is on disk for the next one, but not safe.
BOOST_AUTO_TEST_CASE(after_a_process_was_killed_and_another_one_went_on) {
  std::mt19937_64 random(3);
  for (uint64_t killed_at = 1; killed_at < 60; killed_at += 1 + random() % 4) {
    const Scratch scratch;
    DiskHistory history(scratch.path());
    Watch watch = history.watch();
    const KillAt kill({killed_at, true}, watch);
    run_traced(writer(scratch.path() / "place", {"restore", "save"}), watch);
    BOOST_TEST_REQUIRE(kill.has_happened());
    const size_t begin = history.size();
    run(history, scratch.path(), {"restore", "save"});
    for (const Loss loss : kLosses) {
      BOOST_TEST_CONTEXT("the first process was killed after change " << killed_at) {
        BOOST_TEST_REQUIRE(fault_after(history, {history.size(), loss}) == "");
        BOOST_TEST_REQUIRE(fault_after(history, {begin + random() % (history.size() - begin), loss, random()}) == "");
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_writer_that_syncs_no_files_is_caught) {
  const TwoRuns runs;
  for (const Loss loss : {Loss::kBytes, Loss::kZeroed, Loss::kTail}) BOOST_TEST(num_faults(runs.history, loss, {.file_syncs = false}) > 0u);
}

BOOST_AUTO_TEST_CASE(a_writer_that_syncs_no_folders_is_caught) {
  const TwoRuns runs;
  for (const Loss loss : {Loss::kEverything, Loss::kNames}) BOOST_TEST(num_faults(runs.history, loss, {.folder_syncs = false}) > 0u);
}

BOOST_AUTO_TEST_SUITE_END()
