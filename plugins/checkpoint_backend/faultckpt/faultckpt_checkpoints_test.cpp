// Whole checkpoints of the host on a disk that fails and lies: what passes is not noticed, what does not is exit 16, and no bad state is ever loaded.
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdlib>

#include "checkpoint/place_testing.h"

using namespace trainhost;
using namespace trainhost::testing;
namespace data = boost::unit_test::data;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path;
  Folder() {
    std::string name = (fs::temp_directory_path() / "trainhost-faultckpt-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path); }

  /// The disk; with a config, faultckpt around it.
  std::unique_ptr<Place> open(const std::string& faults = "") const {
    std::vector<PlacePlugin> plugins{{plugin_beside(TRAINHOST_PLUGIN_FILE, "checkpoint_backend-localckpt.so"), format(R"({{"uri":"file:{}"}})", path.string())}};
    if (!faults.empty()) plugins.push_back({plugin_beside(TRAINHOST_PLUGIN_FILE, fs::path(TRAINHOST_PLUGIN_FILE).filename()), faults});
    return std::make_unique<Place>(plugins);
  }
};

/// The step that a sound reader finds; `reason` is why newer ones were passed over.
uint64_t resumed(const Folder& folder, std::string& reason, const std::string& faults = "") {
  const auto place = folder.open(faults);
  const auto loaded = place->store(keep_newest(2)).load_newest_verified([&](const CheckpointDamage& damage) { reason += damage.id + ": " + damage.reason + "\n"; });
  if (!loaded) return 0;
  BOOST_TEST(is_state(*loaded, loaded->info.step));
  return loaded->info.step;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(faultckpt_checkpoints_test)

BOOST_AUTO_TEST_CASE(transient_failures_are_not_noticed) {
  const Folder folder;
  std::string reason;
  for (uint64_t step = 1; step <= 5; ++step) folder.open(format(R"({{"seed":{},"fail_probability":0.1}})", step))->store(keep_newest(2)).save(SmallState(step).snapshot());
  BOOST_TEST(resumed(folder, reason) == 5u);
  BOOST_TEST(reason == "");
}

BOOST_AUTO_TEST_CASE(lost_replies_are_not_noticed) {
  const Folder folder;
  std::string reason;
  folder.open(R"({"fail_every":7,"fail_late":true})")->store(keep_newest(2)).save(SmallState(1).snapshot());
  BOOST_TEST(resumed(folder, reason) == 1u);
  BOOST_TEST(reason == "");
}

BOOST_DATA_TEST_CASE(what_is_found_when_a_save_is_read_back_is_exit_16_and_the_old_checkpoint_stays,
                     data::make({R"({"fail_every":1,"fail_as":"permanent","only_keys":"optimizer"})", R"({"tear_every":1,"only_keys":"optimizer"})",
                                 R"({"lose_every":1,"only_keys":"weights"})", R"({"flip_every":1,"only_keys":"engine"})", R"({"tear_every":1,"only_keys":"/commit"})",
                                 R"({"lose_every":1,"only_keys":"manifest"})"}),
                     faults) {
  const Folder folder;
  std::string reason;
  folder.open()->store(keep_newest(2)).save(SmallState(1).snapshot());
  const auto place = folder.open(faults);
  CheckpointStore store = place->store(keep_newest(2));
  BOOST_CHECK_EXCEPTION(store.save(SmallState(2).snapshot()), Error, [](const Error& error) {
    BOOST_TEST_MESSAGE(error.what());
    return error.code() == ExitCode::kCheckpointUnwritable;
  });
  BOOST_TEST(resumed(folder, reason) == 1u);
}

BOOST_DATA_TEST_CASE(what_only_the_next_process_finds_is_reported_and_an_older_checkpoint_is_used,
                     data::make({R"({"tear_every":1,"volatile":true,"only_keys":"weights"})", R"({"lose_every":1,"volatile":true,"only_keys":"optimizer"})",
                                 R"({"tear_every":1,"volatile":true,"only_keys":"manifest"})", R"({"lose_every":1,"volatile":true,"only_keys":"/commit"})",
                                 R"({"tear_every":1,"volatile":true,"only_keys":"plugins"})"}),
                     faults) {
  const Folder folder;
  std::string reason;
  folder.open()->store(keep_newest(2)).save(SmallState(1).snapshot());
  const std::string newest = folder.open(faults)->store(keep_newest(2)).save(SmallState(2).snapshot()).info.id;
  BOOST_TEST(resumed(folder, reason) == 1u);
  BOOST_TEST(reason.find(newest) != std::string::npos, reason);
}

BOOST_AUTO_TEST_CASE(flipped_bits_at_a_restore_lead_to_an_older_checkpoint_or_to_exit_14) {
  const Folder folder;
  for (uint64_t step = 1; step <= 2; ++step) folder.open()->store(keep_newest(2)).save(SmallState(step).snapshot());
  std::string reason;
  BOOST_TEST(resumed(folder, reason, R"({"flip_every":1,"only_keys":"step-000000000002"})") == 1u);
  BOOST_TEST(reason.find("step-000000000002") != std::string::npos, reason);
  BOOST_CHECK_EXCEPTION(resumed(folder, reason, R"({"flip_every":1})"), Error, [](const Error& error) { return error.code() == ExitCode::kCheckpointUnreadable; });
}

BOOST_AUTO_TEST_CASE(stale_lists_lose_nothing) {
  const Folder folder;
  const auto place = folder.open(R"({"stale_every":2})");
  CheckpointStore store = place->store(keep_newest(1));
  for (uint64_t step = 1; step <= 6; ++step) store.save(SmallState(step).snapshot());
  std::string reason;
  BOOST_TEST(resumed(folder, reason) == 6u);
  BOOST_TEST(reason == "");
}

BOOST_AUTO_TEST_SUITE_END()
