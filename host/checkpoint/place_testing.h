// For tests of backends: a backend as the host runs it, and processes that die in the middle of a save.
#pragma once
#include <boost/test/unit_test.hpp>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <optional>

#include "base/files.h"
#include "checkpoint/store.h"
#include "checkpoint/test_store.h"
#include "plugin/instance.h"
#include "plugin/metadata.h"

namespace trainhost::testing {

/// A plugin file beside the one at `built`: in the staged tree's folder when this program stands in one.
inline std::filesystem::path plugin_beside(const std::filesystem::path& built, const std::string& file_name) {
  const std::filesystem::path staged = program_folder().parent_path() / "plugins" / file_name;
  return std::filesystem::exists(staged) ? staged : built.parent_path() / file_name;
}

struct PlacePlugin {
  std::filesystem::path file;
  std::string config_json = "{}";
};

/// Started instances; the last one wraps as many of those before it as it says.
class Place {
 public:
  explicit Place(const std::vector<PlacePlugin>& plugins) {
    std::vector<Instance*> before;
    for (const PlacePlugin& plugin : plugins) {
      const PluginRecord record = read_plugin_file(plugin.file).front();
      InstanceServices services;
      services.upstreams.assign(before.end() - record.decorates, before.end());
      instances_.push_back(Instance::create(record, plugin.config_json, services));
      instances_.back()->start(facts_);
      before.push_back(instances_.back().get());
    }
    backend_.emplace(*instances_.back());
    objects_ = make_object_store(*backend_);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    while (!instances_.empty()) instances_.pop_back();
  }

  ObjectStore& objects() { return *objects_; }
  CheckpointStore store(const StoreOptions& options) { return CheckpointStore(*objects_, options); }

 private:
  RunFacts facts_;
  std::vector<std::unique_ptr<Instance>> instances_;
  std::optional<CheckpointBackend> backend_;
  std::unique_ptr<ObjectStore> objects_;
};

using MakePlace = std::function<std::unique_ptr<Place>()>;

inline StoreOptions keep_newest(uint64_t number) {
  StoreOptions options = small_options();
  options.keep_last = number;
  return options;
}

/// The step of the newest checkpoint, which must be what SmallState saved; any damage fails the test.
inline std::optional<uint64_t> resumed_step(const MakePlace& make) {
  const std::unique_ptr<Place> place = make();
  const auto loaded = place->store(keep_newest(1)).load_newest_verified([](const CheckpointDamage& damage) { BOOST_ERROR("damaged: " << damage.id << " " << damage.reason); });
  if (!loaded) return std::nullopt;
  BOOST_TEST(is_state(*loaded, loaded->info.step));
  return loaded->info.step;
}

/// In a process of its own: saves steps from `first` on until call number `at`, then dies by SIGKILL. Returns whether it lived.
inline bool save_until_killed(const MakePlace& make, uint64_t first, uint64_t at) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::unique_ptr<Place> place = make();
    HookedStore hooked(place->objects());
    uint64_t num_calls = 0;
    hooked.after = [&](const std::string&, const std::string&) {
      if (++num_calls == at) ::kill(::getpid(), SIGKILL);
    };
    CheckpointStore store(hooked, keep_newest(1));
    store.save(SmallState(first).snapshot());
    store.save(SmallState(first + 1).snapshot());
    place.reset();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status);
}

/// Kills a process at every `stride`th call, again and again on what the one before left: each resume finds the newest checkpoint or the one in work.
/// Later calls are thinned out: the next process has to look at what the dead have left, so that a stride alone might never reach its last call.
inline void kills_lose_at_most_the_save_in_work(const MakePlace& make, uint64_t stride) {
  uint64_t step = 0;
  for (uint64_t at = 1;; at += std::max(stride, at / 16)) {
    const bool has_lived = save_until_killed(make, step + 1, at);
    const uint64_t resumed = resumed_step(make).value_or(0);
    BOOST_TEST_REQUIRE((resumed >= step && resumed <= step + 2), "killed at call " << at << ": step " << resumed << " after " << step);
    step = resumed;
    if (has_lived) break;
  }
}

}  // namespace trainhost::testing
