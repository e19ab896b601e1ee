// Whole checkpoints of the host in this backend: kills for real, a disk that fills up, Python reading the files.
#include <boost/test/unit_test.hpp>

#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "checkpoint/place_testing.h"

using namespace trainhost;
using namespace trainhost::testing;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path;
  Folder() {
    std::string name = (fs::temp_directory_path() / "trainhost-checkpoints-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path); }
};

/// A file system of 1 MiB; not mounted where there is no right to.
struct SmallDisk : Folder {
  bool is_mounted = ::mount("tmpfs", path.c_str(), "tmpfs", 0, "size=1m") == 0;
  ~SmallDisk() {
    if (is_mounted) ::umount(path.c_str());
  }
};

std::unique_ptr<Place> open_place(const fs::path& folder) {
  return std::make_unique<Place>(std::vector<PlacePlugin>{{plugin_beside(TRAINHOST_PLUGIN_FILE, fs::path(TRAINHOST_PLUGIN_FILE).filename()), format(R"({{"uri":"file:{}"}})", folder.string())}});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(checkpoints_on_disk_test)

BOOST_AUTO_TEST_CASE(checkpoints_come_back_from_disk) {
  const Folder folder;
  {
    const auto place = open_place(folder.path);
    StoreOptions options = small_options();
    options.num_threads = 4;
    place->store(options).save(SmallState(3, 100'000).snapshot());
  }
  const auto place = open_place(folder.path);
  BOOST_TEST(is_state(*place->store(small_options()).load_newest_verified(), 3, 100'000));
}

BOOST_AUTO_TEST_CASE(a_probe_leaves_nothing_on_disk) {
  const Folder folder;
  const auto place = open_place(folder.path / "checkpoints");
  place->store(small_options()).probe();
  BOOST_TEST(fs::is_empty(folder.path));
}

BOOST_AUTO_TEST_CASE(a_process_killed_at_any_call_loses_at_most_the_save_it_was_in) {
  const Folder folder;
  kills_lose_at_most_the_save_in_work([&] { return open_place(folder.path); }, 2);
  // What the dead left behind is gone: one checkpoint, one that may become good, and the claim of the last process.
  std::string left;
  size_t num_folders = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder.path)) left += "\n" + entry.path().lexically_relative(folder.path).string(), num_folders += entry.is_directory();
  BOOST_TEST(num_folders <= 3u, left);
}

BOOST_AUTO_TEST_CASE(a_disk_that_fills_up_is_exit_16_and_the_old_checkpoint_stays) {
  const SmallDisk disk;
  if (!disk.is_mounted) {
    BOOST_TEST_MESSAGE("skipped: no right to mount a small tmpfs");
    return;
  }
  const auto place = open_place(disk.path);
  CheckpointStore store = place->store(keep_newest(1));
  store.save(SmallState(1, 50'000).snapshot());
  BOOST_CHECK_EXCEPTION(store.save(SmallState(2, 90'000).snapshot()), Error, [&](const Error& error) {
    BOOST_TEST_MESSAGE(error.what());
    return error.code() == ExitCode::kCheckpointUnwritable && std::string(error.what()).find("No space left") != std::string::npos;
  });
  BOOST_TEST(is_state(*place->store(keep_newest(1)).load_newest_verified(), 1, 50'000));
  size_t num_files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(disk.path)) num_files += entry.is_regular_file();
  BOOST_TEST(num_files == 9u);  // eight objects and the claim
}

BOOST_AUTO_TEST_CASE(the_weights_are_a_file_that_python_reads) {
  const char* python = std::getenv("TRAINHOST_PYTHON");
  if (!python || std::system(format("'{}' -c 'import safetensors.numpy' 2>/dev/null", python).c_str()) != 0) {
    BOOST_TEST_MESSAGE("skipped: TRAINHOST_PYTHON has no safetensors");
    return;
  }
  const Folder folder;
  const auto place = open_place(folder.path);
  const std::string id = place->store(small_options()).save(SmallState(4).snapshot()).info.id;
  std::ofstream(folder.path / "oracle.py") << R"(import sys, json
from safetensors.numpy import load_file
t = load_file(sys.argv[1] + "/weights.safetensors")
assert sorted(t) == ["layer.bias", "layer.weight"] and t["layer.weight"].shape == (3000,) and t["layer.weight"][1024] == 5, t
assert bytes(load_file(sys.argv[1] + "/plugins.safetensors")["stopping_rule/a"]) == b"st\0te"
assert load_file(sys.argv[1] + "/engine.safetensors")["engine.counter"] == 4
assert json.load(open(sys.argv[1] + "/run_state.json")) == {"progress": 4}
assert json.load(open(sys.argv[1] + "/manifest.json"))["format"] == 1
)";
  BOOST_TEST(std::system(format("'{}' '{}' '{}'", python, (folder.path / "oracle.py").string(), (folder.path / id).string()).c_str()) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
