// A program that saves and restores checkpoints as a run does, with the host's store and the plugin localckpt, and without LibTorch.
//   writer FOLDER VERB...   with the verbs
//     restore   finds the newest checkpoint, and holds every byte of it against what was saved
//     save      saves the state of the next step
//     claim     takes the run over
//     good      marks the checkpoint of the last save
//     list      names the checkpoints that count
//     verify    reads every checkpoint back that has a commit record
#include <unistd.h>

#include <exception>
#include <filesystem>

#include "checkpoint/reader.h"
#include "checkpoint/store.h"
#include "checkpoint/test_store.h"
#include "plugin/instance.h"
#include "plugin/metadata.h"

using namespace trainhost;

namespace {

constexpr size_t kNumValues = 25'000;  // some hundred KB in all

/// In one call, so that whoever watches the calls sees it at once.
void say(const std::string& words) {
  const std::string line = words + "\n";
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) throw std::runtime_error("stdout cannot be written");
}

class Writer {
 public:
  explicit Writer(const std::filesystem::path& folder)
      : instance_(Instance::create(read_plugin_file(TRAINHOST_PLUGIN_FILE).front(), format(R"({{"uri":"file:{}"}})", folder.string()))),
        backend_((instance_->start(facts_), *instance_)),
        objects_(make_object_store(backend_)),
        store_(*objects_, options()) {}

  void run(const std::string& verb) {
    if (verb == "restore") restore();
    else if (verb == "save") save();
    else if (verb == "claim") claim();
    else if (verb == "good") say(store_.mark_good(newest_id_) ? "good" : "gone");
    else if (verb == "list") list();
    else if (verb == "verify") verify();
    else throw std::runtime_error("no verb: " + verb);
  }

 private:
  static StoreOptions options() {
    StoreOptions options = testing::small_options();
    options.block_bytes = 65'536;
    options.num_threads = 2;
    options.keep_last = 1;
    return options;
  }

  void restore() {
    const auto loaded = store_.load_newest_verified([](const CheckpointDamage& damage) { say(format("damaged {} {} {}", damage.id, damage.object, damage.reason)); });
    step_ = loaded ? loaded->info.step : 0;
    if (loaded && !testing::is_state(*loaded, step_, kNumValues)) throw std::runtime_error(format("step {}: not what was saved", step_));
    say(format("restored {} of attempt {}", step_, loaded ? loaded->info.attempt : 0));
  }

  void claim() {
    store_.claim();
    say("claimed");
  }

  void save() {
    ++step_;
    try {
      newest_id_ = store_.save(testing::SmallState(step_, kNumValues).snapshot()).info.id;
      say(format("saved {}", step_));
    } catch (const Error& error) {
      say(format("refused {} {}", static_cast<int>(error.code()), error.what()));
    }
  }

  void list() {
    for (const CheckpointInfo& info : store_.list()) say(format("holds {}{}", info.step, info.is_verified ? "" : " (not verified)"));
  }

  void verify() {
    uint64_t num_right = 0;
    for (const CheckpointFolder& folder : list_folders(*objects_, "")) {
      if (!folder.is_committed()) continue;
      try {
        verify_folder(*objects_, "", folder, 2);
        ++num_right;
      } catch (const DamagedCheckpoint& error) {
        say(format("damaged {}", error.what()));
      }
    }
    say(format("right {}", num_right));
  }

  RunFacts facts_;
  std::unique_ptr<Instance> instance_;
  CheckpointBackend backend_;
  std::unique_ptr<ObjectStore> objects_;
  CheckpointStore store_;
  std::string newest_id_;
  uint64_t step_ = 0;
};

}  // namespace

int main(int argc, char** argv) try {
  Writer writer(argv[1]);
  for (int i = 2; i < argc; ++i) writer.run(argv[i]);
  return 0;
} catch (const std::exception& error) {
  say(format("failed {}", error.what()));
  return 1;
}
