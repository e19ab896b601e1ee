// A writer is stopped at any system call, another process takes its place, and the first one wakes up: it can add nothing, and take nothing away.
#include <boost/test/unit_test.hpp>

#include "places.h"

using namespace crash;
namespace fs = std::filesystem;

namespace {

struct Takeover {
  Ending sleeper, successor;
  bool has_happened = false;
};

/// Before call number `at` of a save the successor runs, from its start to its end.
Takeover take_over(const fs::path& folder, uint64_t at, const Verbs& verbs_of_successor) {
  Takeover takeover;
  uint64_t num_calls = 0;
  bool is_saving = false;
  Watch watch{folder};
  watch.said = [&](std::string_view words) { is_saving = words.starts_with("claimed"); };
  watch.before = [&](const FileCall&) {
    if (!is_saving || ++num_calls != at) return kGoOn;
    takeover.has_happened = true;
    takeover.successor = run_plain(writer(folder, verbs_of_successor));
    return kGoOn;
  };
  takeover.sleeper = run_traced(writer(folder, {"restore", "claim", "save"}), watch);
  return takeover;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(takeover_test)

BOOST_AUTO_TEST_CASE(what_a_successor_saved_is_what_comes_back) {
  const Scratch saved;
  BOOST_TEST_REQUIRE(run_plain(writer(saved.path(), {"restore", "save", "save"})).exit_code == 0);
  uint64_t num_refused = 0;
  for (uint64_t at = 1;; ++at) {
    const Scratch scratch;
    fs::copy(saved.path(), scratch.path(), fs::copy_options::recursive);
    const Takeover takeover = take_over(scratch.path(), at, {"restore", "claim", "save", "good", "save"});
    if (!takeover.has_happened) break;
    BOOST_TEST_CONTEXT("stopped before call " << at << "; the sleeper:\n" << takeover.sleeper.output << "the successor:\n" << takeover.successor.output) {
      const std::vector<Said> said = parse(takeover.successor.output);
      BOOST_TEST_REQUIRE((takeover.successor.exit_code == 0 && said.size() == 5u && said[4].verb == "saved" && said[0].step >= 2));
      BOOST_TEST_REQUIRE(takeover.sleeper.exit_code == 0);
      const Ending third = run_plain(writer(scratch.path(), {"restore", "list"}));
      const std::vector<Said> found = parse(third.output);
      BOOST_TEST_REQUIRE((third.exit_code == 0 && found[0].verb == "restored" && found[0].step == said[4].step && found[0].attempt > parse(takeover.sleeper.output)[0].attempt), third.output);
      BOOST_TEST_REQUIRE(third.output.find("not verified") == std::string::npos, third.output);
      const bool is_refused = takeover.sleeper.output.find("refused 16") != std::string::npos;
      BOOST_TEST_REQUIRE((is_refused || takeover.sleeper.output.find("saved 3") != std::string::npos));
      num_refused += takeover.sleeper.output.find("was taken over by a newer process") != std::string::npos;
    }
  }
  BOOST_TEST_MESSAGE(num_refused << " saves refused");
  BOOST_TEST(num_refused > 50u);  // all but those that were stopped after they had looked for a successor
}

BOOST_AUTO_TEST_SUITE_END()
