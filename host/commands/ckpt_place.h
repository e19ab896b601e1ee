// What PLACE of `trainhost ckpt` means: a store of checkpoints, or one of them, behind whichever installed backend serves its scheme.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/folders.h"
#include "checkpoint/object_store.h"
#include "checkpoint/retrying_store.h"
#include "commands/command_line.h"
#include "loop/run_plugins.h"
#include "plugin/checkpoint_backend.h"

namespace trainhost {

class CheckpointPlace {
 public:
  /// `word`: a URI; a path of a store, of a checkpoint or of a run folder. The backend's own keys come from --config, the environment and overrides, for a run
  /// folder from its config. Throws Error(kConfig, kPlugin, kCheckpointUnreadable).
  static std::unique_ptr<CheckpointPlace> open(const Request& request, const std::string& word);

  ~CheckpointPlace();

  const std::string& word() const { return word_; }
  /// All folders, or the one that the word names. Throws Error(kCheckpointUnreadable) when there is none.
  std::vector<CheckpointFolder> folders();
  /// The one that the word names, else the newest verified one.
  CheckpointFolder folder();
  /// Whether the word names one checkpoint of its store.
  bool is_one() const { return id_.has_value(); }

  /// Retries what is UNAVAILABLE; the prefix of all keys is empty.
  ObjectStore& objects() { return *objects_; }
  /// Called with the bytes of each read from now on; empty: nobody.
  void set_meter(std::function<void(uint64_t)> meter);

 private:
  class MeteredStore;
  CheckpointPlace(std::string word, std::optional<CheckpointId> id, std::vector<ChosenPlugin> backends);

  std::string word_;
  std::optional<CheckpointId> id_;
  RunFacts facts_;
  RunPlugins plugins_;
  std::unique_ptr<CheckpointBackend> backend_;
  std::unique_ptr<ObjectStore> plain_;
  std::unique_ptr<MeteredStore> metered_;
  std::unique_ptr<RetryingStore> objects_;
};

}  // namespace trainhost
