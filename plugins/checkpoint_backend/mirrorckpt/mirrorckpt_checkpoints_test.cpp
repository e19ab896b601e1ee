// Whole checkpoints of the host in two folders: kills for real, a near folder that is lost, retention in both.
#include <boost/test/unit_test.hpp>

#include <cstdlib>

#include "checkpoint/place_testing.h"

using namespace trainhost;
using namespace trainhost::testing;
namespace fs = std::filesystem;

namespace {

struct Folders {
  fs::path root, near, far;
  Folders() {
    std::string name = (fs::temp_directory_path() / "trainhost-mirrorckpt-XXXXXX").string();
    root = ::mkdtemp(name.data());
    near = root / "near", far = root / "far";
  }
  ~Folders() { fs::remove_all(root); }

  static PlacePlugin disk(const fs::path& folder) { return {plugin_beside(TRAINHOST_PLUGIN_FILE, "checkpoint_backend-localckpt.so"), format(R"({{"uri":"file:{}"}})", folder.string())}; }
  std::unique_ptr<Place> open() const {
    return std::make_unique<Place>(std::vector<PlacePlugin>{disk(near), disk(far), {plugin_beside(TRAINHOST_PLUGIN_FILE, fs::path(TRAINHOST_PLUGIN_FILE).filename()), "{}"}});
  }
  std::unique_ptr<Place> open_far_alone() const { return std::make_unique<Place>(std::vector<PlacePlugin>{disk(far)}); }
};

/// Path below the folder -> content.
std::map<std::string, std::string> files(const fs::path& folder) {
  std::map<std::string, std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) found[entry.path().lexically_relative(folder).string()] = read_file(entry.path());
  return found;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mirrorckpt_checkpoints_test)

BOOST_AUTO_TEST_CASE(both_places_hold_the_same_in_the_end) {
  const Folders folders;
  {
    const auto place = folders.open();
    CheckpointStore store = place->store(keep_newest(2));
    store.probe();
    for (uint64_t step = 1; step <= 5; ++step) store.save(SmallState(step, 10'000).snapshot());
  }
  BOOST_TEST((files(folders.near) == files(folders.far)));
}

BOOST_AUTO_TEST_CASE(the_far_place_alone_is_a_place_to_go_on_from) {
  const Folders folders;
  folders.open()->store(keep_newest(2)).save(SmallState(7).snapshot());
  fs::remove_all(folders.near);
  BOOST_TEST(resumed_step([&] { return folders.open(); }).value_or(0) == 7u);
  BOOST_TEST(resumed_step([&] { return folders.open_far_alone(); }).value_or(0) == 7u);
  folders.open()->store(keep_newest(1)).save(SmallState(8).snapshot());
  BOOST_TEST(resumed_step([&] { return folders.open_far_alone(); }).value_or(0) == 8u);
}

BOOST_AUTO_TEST_CASE(a_process_killed_at_any_call_loses_at_most_the_save_it_was_in) {
  const Folders folders;
  kills_lose_at_most_the_save_in_work([&] { return folders.open(); }, 13);
}

// Whatever a killed process has sent, the far place alone never shows a damaged checkpoint, and never an older one than before.
BOOST_AUTO_TEST_CASE(a_process_killed_at_any_call_leaves_a_sound_far_place) {
  const Folders folders;
  uint64_t far_step = 0, near_step = 0;
  for (uint64_t at = 1;; at += 17) {
    const bool has_lived = save_until_killed([&] { return folders.open(); }, near_step + 1, at);
    if (fs::exists(folders.far)) {
      const uint64_t step = resumed_step([&] { return folders.open_far_alone(); }).value_or(0);
      BOOST_TEST_REQUIRE(step >= far_step, "killed at call " << at);
      far_step = step;
    }
    near_step = resumed_step([&] { return folders.open(); }).value_or(0);
    if (has_lived) break;
  }
  BOOST_TEST(far_step == near_step);
}

BOOST_AUTO_TEST_CASE(a_newer_process_elsewhere_fences_this_one) {
  const Folders folders;
  const auto old_place = folders.open();
  CheckpointStore old_store = old_place->store(keep_newest(2));
  old_store.save(SmallState(1).snapshot());
  const fs::path other_near = folders.root / "other";
  {
    Place other({Folders::disk(other_near), Folders::disk(folders.far), {plugin_beside(TRAINHOST_PLUGIN_FILE, fs::path(TRAINHOST_PLUGIN_FILE).filename()), "{}"}});
    other.store(keep_newest(2)).save(SmallState(2).snapshot());
  }
  // The old one hears of it when it next sends a checkpoint: at the latest its second save from now is refused.
  const auto save_until_fenced = [&] {
    for (uint64_t step = 3; step < 1000; ++step) old_store.save(SmallState(step).snapshot());
  };
  BOOST_CHECK_EXCEPTION(save_until_fenced(), Error, [](const Error& error) {
    BOOST_TEST_MESSAGE(error.what());
    return error.code() == ExitCode::kCheckpointUnwritable && std::string(error.what()).find("taken over") != std::string::npos;
  });
}

BOOST_AUTO_TEST_SUITE_END()
