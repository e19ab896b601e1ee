// A full disk, and a disk that fails, at any system call of a save: said in words, the older checkpoint comes back, and the next save works.
#include <boost/test/unit_test.hpp>
#include <boost/test/data/test_case.hpp>

#include <cerrno>
#include <cstring>
#include <set>

#include "places.h"

using namespace crash;
namespace data = boost::unit_test::data;
namespace fs = std::filesystem;

namespace {

const std::set<std::string> kWantRoom{"openat", "mkdir", "fallocate", "pwrite64", "sync_file_range", "link", "fsync"};
const std::set<std::string> kAny{"openat", "mkdir", "fallocate", "pwrite64", "sync_file_range", "link", "fsync", "unlink", "rmdir", "pread64", "getdents64", "lstat", "stat", "newfstatat"};

struct Fault {
  int error;
  bool is_lasting;  // until the save has ended; else one call fails
};
std::ostream& operator<<(std::ostream& out, const Fault& fault) { return out << std::strerror(fault.error) << (fault.is_lasting ? ", from then on" : ", once"); }

const std::vector<Fault> kFaults{{ENOSPC, false}, {ENOSPC, true}, {EIO, false}, {EIO, true}};

struct FaultOutcome {
  Ending ending;
  std::string failed;  // the first call that failed
};

/// The call number `at` of the first save fails, and those after it where the fault lasts.
FaultOutcome run_faulty(const fs::path& folder, const Fault& fault, uint64_t at) {
  FaultOutcome outcome;
  uint64_t num_calls = 0;
  bool is_saving = false, has_saved = false;
  Watch watch{folder};
  watch.said = [&](std::string_view words) {
    has_saved |= is_saving;
    is_saving = words.starts_with("restored") && !has_saved;
  };
  watch.before = [&](const FileCall& call) {
    if (!is_saving || !(fault.error == ENOSPC ? kWantRoom : kAny).contains(call.name)) return kGoOn;
    if (fault.error == ENOSPC && call.name == "openat" && !call.is_change) return kGoOn;
    ++num_calls;
    if (fault.is_lasting ? num_calls < at : num_calls != at) return kGoOn;
    if (outcome.failed.empty()) outcome.failed = call.name + " of " + call.path;
    return fault.error;
  };
  outcome.ending = run_traced(writer(folder, {"restore", "save", "restore", "save", "restore", "list"}), watch);
  return outcome;
}

/// Place, what, and the next step.
void require_clear(const std::string& message, const fs::path& folder, const Fault& fault) {
  BOOST_TEST_MESSAGE(message);
  for (const std::string& wanted : {std::string("16 "), folder.string(), std::string(std::strerror(fault.error)), std::string("choose another checkpoint.uri")})
    BOOST_TEST_REQUIRE(message.find(wanted) != std::string::npos, "no \"" << wanted << "\" in: " << message);
}

void require_recovery(const FaultOutcome& outcome, const fs::path& folder, const Fault& fault) {
  const std::string& output = outcome.ending.output;
  const std::vector<Said> said = parse(output);
  BOOST_TEST_REQUIRE((outcome.ending.exit_code == 0 && said.size() >= 6u), output);
  const uint64_t before = said[0].step, now = said[2].step;
  if (said[1].verb == "refused") require_clear(said[1].rest, folder, fault);
  else BOOST_TEST_REQUIRE((said[1].verb == "saved" && now == before + 1), output);
  BOOST_TEST_REQUIRE((said[2].verb == "restored" && (now == before || now == before + 1)), output);
  BOOST_TEST_REQUIRE((said[3].verb == "saved" && said[4].verb == "restored" && said[4].step == now + 1), output);
  for (size_t i = 5; i < said.size(); ++i) BOOST_TEST_REQUIRE((said[i].verb == "holds" && said[i].rest.find("not verified") == std::string::npos), output);
  const Ending next = run_plain(writer(folder, {"restore"}));
  BOOST_TEST_REQUIRE((next.exit_code == 0 && newest_step(next.output) == now + 1), next.output);
  BOOST_TEST_REQUIRE(litter(folder) == "");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fault_test)

BOOST_DATA_TEST_CASE(at_any_system_call_of_a_save, data::make(kFaults), fault) {
  const Scratch saved;
  BOOST_TEST_REQUIRE(run_plain(writer(saved.path(), {"restore", "save", "save"})).exit_code == 0);
  uint64_t num_faults = 0, num_refused = 0;
  for (uint64_t at = 1;; ++at) {
    const Scratch scratch;
    fs::copy(saved.path(), scratch.path(), fs::copy_options::recursive);
    const FaultOutcome outcome = run_faulty(scratch.path(), fault, at);
    BOOST_TEST_CONTEXT("fault " << at << ": " << outcome.failed) { require_recovery(outcome, scratch.path(), fault); }
    if (outcome.failed.empty()) break;
    ++num_faults;
    num_refused += outcome.ending.output.find("refused") != std::string::npos;
  }
  BOOST_TEST_MESSAGE(num_faults << " faults, " << num_refused << " saves refused");
  BOOST_TEST(num_faults > 40u);
  BOOST_TEST(num_refused > 20u);
}

BOOST_AUTO_TEST_SUITE_END()
