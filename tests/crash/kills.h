// Kills at the system calls of the writer, and what must hold afterwards.
#pragma once
#include <boost/test/unit_test.hpp>

#include <random>

#include "places.h"

namespace crash {

inline const Verbs kSession{"restore", "save", "good", "save"};

struct Outcome {
  Ending ending;
  uint64_t num_calls = 0;
  bool is_killed = false;
};

inline Outcome run_killed(const std::filesystem::path& folder, const Verbs& verbs, KillPoint point) {
  Watch watch{folder};
  KillAt kill(point, watch);
  const Ending ending = run_traced(writer(folder, verbs), watch);
  BOOST_TEST_REQUIRE(ending.exit_code == (kill.has_happened() ? 128 + 9 : 0), ending.output);
  return {ending, kill.num_calls(), kill.has_happened()};
}

inline uint64_t count_calls(const std::filesystem::path& folder, const Verbs& verbs, bool is_after) {
  const Scratch copy;
  std::filesystem::copy(folder, copy.path(), std::filesystem::copy_options::recursive);
  return run_killed(copy.path(), verbs, {0, is_after}).num_calls;
}

/// A new process finds what was announced last or what was under way, bit for bit, goes on from there and leaves nothing half.
inline void require_recovery(const std::filesystem::path& folder, uint64_t announced) {
  const Ending ending = run_plain(writer(folder, {"restore", "save", "restore"}));
  const std::vector<Said> said = parse(ending.output);
  BOOST_TEST_REQUIRE((ending.exit_code == 0 && said.size() == 3u), ending.output);
  const uint64_t restored = said[0].step;
  BOOST_TEST_REQUIRE((said[0].verb == "restored" && restored >= announced && restored <= announced + 1), "announced " << announced << ", then\n" << ending.output);
  BOOST_TEST_REQUIRE((said[1].verb == "saved" && said[1].step == restored + 1), ending.output);
  BOOST_TEST_REQUIRE((said[2].verb == "restored" && said[2].step == restored + 1), ending.output);
  BOOST_TEST_REQUIRE(litter(folder) == "");
}

/// A folder with the checkpoints of two steps, saved by a process that ended well.
class Saved : public Scratch {
 public:
  Saved() {
    const Ending ending = run_plain(writer(path(), {"restore", "save", "save"}));
    BOOST_TEST_REQUIRE(ending.exit_code == 0, ending.output);
  }
};

/// Kills one process at the first point, the next one, which recovers, at the second.
inline void kill_twice(const std::filesystem::path& saved, KillPoint first, KillPoint second) {
  BOOST_TEST_CONTEXT("killed at call " << first.at << ", the recovery at call " << second.at) {
    const Scratch scratch;
    std::filesystem::copy(saved, scratch.path(), std::filesystem::copy_options::recursive);
    uint64_t announced = std::max<uint64_t>(2, newest_step(run_killed(scratch.path(), kSession, first).ending.output));
    announced = std::max(announced, newest_step(run_killed(scratch.path(), {"restore", "save"}, second).ending.output));
    require_recovery(scratch.path(), announced);
  }
}

/// Pairs of points, drawn with the seed.
inline void kill_pairs(uint64_t seed, int num_pairs) {
  const Saved saved;
  std::mt19937_64 random(seed);
  const uint64_t num_first[2] = {count_calls(saved.path(), kSession, false), count_calls(saved.path(), kSession, true)};
  const uint64_t num_second[2] = {count_calls(saved.path(), {"restore", "save"}, false), count_calls(saved.path(), {"restore", "save"}, true)};
  for (int i = 0; i < num_pairs; ++i) {
    const bool is_first_after = random() % 2, is_second_after = random() % 2;
    kill_twice(saved.path(), {1 + random() % num_first[is_first_after], is_first_after}, {1 + random() % num_second[is_second_after], is_second_after});
  }
}

}  // namespace crash
