// Finding checkpoints again: the list, the newest that can be trusted, the best.
#include <algorithm>

#include "base/log.h"
#include "checkpoint/load.h"
#include "checkpoint/retention.h"
#include "checkpoint/store.h"
#include "checkpoint/survey.h"

namespace trainhost {
namespace {

Error unreadable(const std::string& what) { return Error(ExitCode::kCheckpointUnreadable, what); }

/// One place of a store that has several. For reading only.
class OnePlace : public ObjectStore {
 public:
  OnePlace(ObjectStore& objects, uint32_t place) : objects_(objects), place_(place) {}
  std::unique_ptr<Put> begin(std::string_view key, uint64_t size, uint64_t wished) override { return objects_.begin(key, size, wished); }
  bool create(std::string_view key, std::string_view bytes) override { return objects_.create(key, bytes); }
  uint64_t get(std::string_view key, uint64_t offset, std::span<std::byte> out) override { return objects_.get_copy(place_, key, offset, out); }
  std::vector<StoredObject> list(std::string_view prefix) override { return objects_.list(prefix); }
  void remove(std::string_view key) override { objects_.remove(key); }

 private:
  ObjectStore& objects_;
  uint32_t place_;
};

/// For a message that names every checkpoint and its fault.
std::string join_lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += "\n  " + line;
  return text;
}

/// Newest first, those of processes that had been replaced last.
std::vector<const CheckpointFolder*> newest_first(const std::vector<CheckpointFolder>& folders, const Claim& claim) {
  std::vector<const CheckpointFolder*> sorted;
  for (auto folder = folders.rbegin(); folder != folders.rend(); ++folder) sorted.push_back(&*folder);
  std::stable_partition(sorted.begin(), sorted.end(), [&](const CheckpointFolder* folder) { return !claim.supersedes(folder->id); });
  return sorted;
}

}  // namespace

std::vector<CheckpointInfo> CheckpointStore::describe_all(const std::vector<CheckpointFolder>& folders) {
  std::vector<CheckpointInfo> infos = survey(objects_, options_.prefix, folders);
  for (const CheckpointInfo& info : infos)
    if (!info.problem.empty()) log_warning("checkpoint {}", info.problem);
  return infos;
}

std::vector<CheckpointInfo> CheckpointStore::list() {
  std::vector<CheckpointFolder> folders = list_folders(objects_, options_.prefix);
  std::erase_if(folders, [](const CheckpointFolder& folder) { return !folder.is_committed(); });
  return describe_all(folders);
}

std::optional<CheckpointInfo> CheckpointStore::best(const std::string& metric, bool is_higher_better) {
  const std::vector<CheckpointInfo> infos = list();
  const CheckpointInfo* found = best_checkpoint(infos, metric, is_higher_better);
  return found ? std::optional(*found) : std::nullopt;
}

std::optional<LoadedCheckpoint> CheckpointStore::load_first(const std::vector<const CheckpointFolder*>& candidates, const OnDamaged& on_damaged, LoadScope scope) {
  std::vector<std::string> reasons;
  for (const CheckpointFolder* folder : candidates) {
    try {
      LoadedCheckpoint loaded = load_any_copy(*folder, scope);
      origin_ = loaded.info.id;
      return loaded;
    } catch (const DamagedCheckpoint& error) {
      reasons.push_back(error.what());
      if (on_damaged) on_damaged(error.damage());
    }
  }
  if (reasons.empty()) return std::nullopt;
  throw unreadable(format("none of {} checkpoints can be read; put back a copy of one, or start anew with --resume never:{}", reasons.size(), join_lines(reasons)));
}

std::optional<LoadedCheckpoint> CheckpointStore::load_newest_verified(const OnDamaged& on_damaged, LoadScope scope) {
  if (attempt_ == 0) attempt_at_look_ = next_attempt(objects_, options_.prefix);
  const std::vector<CheckpointFolder> folders = list_folders(objects_, options_.prefix);
  std::vector<const CheckpointFolder*> candidates = newest_first(folders, newest_claim(objects_, options_.prefix));
  // Without any record it was never finished. A mark without the commit record is what damage looks like, since removal takes the marks first.
  std::erase_if(candidates, [](const CheckpointFolder* folder) { return !folder->is_committed() && !folder->is_verified() && !folder->has(kGoodObject); });
  return load_first(candidates, on_damaged, scope);
}

std::optional<LoadedCheckpoint> CheckpointStore::load_newest_good(const OnDamaged& on_damaged, LoadScope scope) {
  if (attempt_ == 0) attempt_at_look_ = next_attempt(objects_, options_.prefix);
  const std::vector<CheckpointFolder> folders = list_folders(objects_, options_.prefix);
  std::vector<const CheckpointFolder*> candidates = newest_first(folders, newest_claim(objects_, options_.prefix));
  std::erase_if(candidates, [](const CheckpointFolder* folder) { return !folder->has(kGoodObject); });
  return load_first(candidates, on_damaged, scope);
}

std::optional<CheckpointInfo> CheckpointStore::newest_good() {
  const std::vector<CheckpointInfo> infos = list();
  const auto is_good = [](const CheckpointInfo& info) { return info.is_good && !info.is_superseded; };
  const auto found = std::find_if(infos.rbegin(), infos.rend(), is_good);
  return found == infos.rend() ? std::nullopt : std::optional(*found);
}

// What one place holds may be damaged and what another holds whole.
LoadedCheckpoint CheckpointStore::load_any_copy(const CheckpointFolder& folder, LoadScope scope) {
  try {
    return load_folder(objects_, options_.prefix, folder, scope, options_.num_threads);
  } catch (const DamagedCheckpoint& damage) {
    const uint32_t num_places = objects_.num_places();
    CheckpointFolder anywhere = folder;
    for (auto& [name, size] : anywhere.sizes) size = 0;  // listed is the size in one place only; reading finds the true ones
    for (uint32_t place = 0; num_places > 1 && place < num_places; ++place) {
      try {
        OnePlace objects(objects_, place);
        LoadedCheckpoint loaded = load_folder(objects, options_.prefix, anywhere, scope, options_.num_threads);
        loaded.info.bytes = folder.bytes();
        log_warning("checkpoint {}; read from another place, where it is whole", damage.what());
        return loaded;
      } catch (const DamagedCheckpoint&) {  // nor there
      } catch (const PluginCallError& error) {
        log_warning("checkpoint {}: another copy of it cannot be read: {}", folder.id.text(), error.what());
      }
    }
    throw;
  }
}

LoadedCheckpoint CheckpointStore::load(const std::string& id, LoadScope scope) {
  const std::vector<CheckpointFolder> folders = list_folders(objects_, options_.prefix);
  const auto folder = std::find_if(folders.begin(), folders.end(), [&](const CheckpointFolder& candidate) { return candidate.id.text() == id; });
  if (folder == folders.end()) throw unreadable(format("checkpoint {} is not there", id));
  try {
    return load_any_copy(*folder, scope);
  } catch (const DamagedCheckpoint& error) {
    throw unreadable(format("checkpoint {}", error.what()));
  }
}

}  // namespace trainhost
