// Whole checkpoints of the host in this backend: kills for real, a disk that fills up, Python reading the files.
#include <boost/test/unit_test.hpp>

#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/files.h"
#include "checkpoint/store.h"
#include "checkpoint/test_store.h"
#include "plugin/instance.h"
#include "plugin/metadata.h"

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

/// The plugin as the host runs it.
struct Place {
  RunFacts facts;
  std::unique_ptr<Instance> instance;
  std::optional<CheckpointBackend> backend;
  std::unique_ptr<ObjectStore> objects;

  explicit Place(const fs::path& folder) {
    const fs::path built = TRAINHOST_PLUGIN_FILE, staged = program_folder().parent_path() / "plugins" / built.filename();
    instance = Instance::create(read_plugin_file(fs::exists(staged) ? staged : built).front(), format(R"({{"uri":"file:{}"}})", folder.string()));
    instance->start(facts);
    backend.emplace(*instance);
    objects = make_object_store(*backend);
  }
};

StoreOptions keep_one() {
  StoreOptions options = small_options();
  options.keep_last = 1;
  return options;
}

std::optional<uint64_t> resumed_step(const fs::path& folder) {
  Place place(folder);
  const auto loaded = CheckpointStore(*place.objects, keep_one()).load_newest_verified([](const CheckpointDamage& damage) { BOOST_ERROR("damaged: " << damage.id << " " << damage.reason); });
  if (!loaded) return std::nullopt;
  BOOST_TEST(is_state(*loaded, loaded->info.step));
  return loaded->info.step;
}

/// In a process of its own: saves steps from `first` on until call number `at`, then dies by SIGKILL. Returns whether it lived.
bool save_until_killed(const fs::path& folder, uint64_t first, uint64_t at) {
  const pid_t child = ::fork();
  if (child == 0) {
    Place place(folder);
    HookedStore hooked(*place.objects);
    uint64_t num_calls = 0;
    hooked.after = [&](const std::string&, const std::string&) {
      if (++num_calls == at) ::kill(::getpid(), SIGKILL);
    };
    CheckpointStore store(hooked, keep_one());
    store.save(SmallState(first).snapshot());
    store.save(SmallState(first + 1).snapshot());
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(checkpoints_on_disk_test)

BOOST_AUTO_TEST_CASE(checkpoints_come_back_from_disk) {
  const Folder folder;
  {
    Place place(folder.path);
    StoreOptions options = small_options();
    options.num_threads = 4;
    CheckpointStore(*place.objects, options).save(SmallState(3, 100'000).snapshot());
  }
  Place place(folder.path);
  BOOST_TEST(is_state(*CheckpointStore(*place.objects, small_options()).load_newest_verified(), 3, 100'000));
}

BOOST_AUTO_TEST_CASE(a_probe_leaves_nothing_on_disk) {
  const Folder folder;
  Place place(folder.path / "checkpoints");
  CheckpointStore(*place.objects, small_options()).probe();
  BOOST_TEST(fs::is_empty(folder.path));
}

BOOST_AUTO_TEST_CASE(a_process_killed_at_any_call_loses_at_most_the_save_it_was_in) {
  const Folder folder;
  uint64_t step = 0;
  for (uint64_t at = 1;; at += 2) {
    const bool has_lived = save_until_killed(folder.path, step + 1, at);
    const uint64_t resumed = resumed_step(folder.path).value_or(0);
    BOOST_TEST_REQUIRE((resumed >= step && resumed <= step + 2), "killed at call " << at << ": step " << resumed << " after " << step);
    step = resumed;
    if (has_lived) break;
  }
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
  Place place(disk.path);
  CheckpointStore store(*place.objects, keep_one());
  store.save(SmallState(1, 50'000).snapshot());
  BOOST_CHECK_EXCEPTION(store.save(SmallState(2, 90'000).snapshot()), Error, [&](const Error& error) {
    BOOST_TEST_MESSAGE(error.what());
    return error.code() == ExitCode::kCheckpointUnwritable && std::string(error.what()).find("No space left") != std::string::npos;
  });
  BOOST_TEST(is_state(*CheckpointStore(*place.objects, keep_one()).load_newest_verified(), 1, 50'000));
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
  Place place(folder.path);
  const std::string id = CheckpointStore(*place.objects, small_options()).save(SmallState(4).snapshot()).info.id;
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
