// Finding checkpoints again: the list, the newest that can be trusted, the best.
#include <algorithm>

#include "base/log.h"
#include "checkpoint/load.h"
#include "checkpoint/retention.h"
#include "checkpoint/store.h"

namespace trainhost {
namespace {

Error unreadable(const std::string& what) { return Error(ExitCode::kCheckpointUnreadable, what); }

/// For a message that names every checkpoint and its fault.
std::string join_lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += "\n  " + line;
  return text;
}

}  // namespace

CheckpointInfo CheckpointStore::describe(const CheckpointFolder& folder) {
  CheckpointInfo info;
  info.id = folder.id.text();
  info.step = folder.id.step;
  info.attempt = folder.id.attempt;
  info.save = folder.id.save;
  info.bytes = folder.bytes();
  if (!folder.is_committed()) return info;
  try {
    const CommitRecord commit = load_commit(objects_, options_.prefix, folder);
    info.window = commit.window;
    info.unix_ms = commit.unix_ms;
    info.evaluation = commit.evaluation;
    info.is_verified = folder.is_verified();
    info.is_good = folder.has(kGoodObject);
  } catch (const DamagedCheckpoint& error) {
    log_warning("checkpoint {}", error.what());
  }
  return info;
}

std::vector<CheckpointInfo> CheckpointStore::list() {
  std::vector<CheckpointInfo> infos;
  for (const CheckpointFolder& folder : list_folders(objects_, options_.prefix))
    if (folder.is_committed()) infos.push_back(describe(folder));
  return infos;
}

std::optional<CheckpointInfo> CheckpointStore::best(const std::string& metric, bool is_higher_better) {
  const std::vector<CheckpointInfo> infos = list();
  const CheckpointInfo* found = best_checkpoint(infos, metric, is_higher_better);
  return found ? std::optional(*found) : std::nullopt;
}

std::optional<LoadedCheckpoint> CheckpointStore::load_newest_verified(const OnDamaged& on_damaged, LoadScope scope) {
  std::vector<CheckpointFolder> folders = list_folders(objects_, options_.prefix);
  std::reverse(folders.begin(), folders.end());
  std::vector<std::string> reasons;
  for (const CheckpointFolder& folder : folders) {
    // Without any record it was never finished. A mark without the commit record is what damage looks like, since removal takes the marks first.
    if (!folder.is_committed() && !folder.is_verified() && !folder.has(kGoodObject)) continue;
    try {
      return load_folder(objects_, options_.prefix, folder, scope, options_.num_threads);
    } catch (const DamagedCheckpoint& error) {
      reasons.push_back(error.what());
      if (on_damaged) on_damaged(error.damage());
    }
  }
  if (reasons.empty()) return std::nullopt;
  throw unreadable(format("none of {} checkpoints can be read; put back a copy of one, or start anew with --resume never:{}", reasons.size(), join_lines(reasons)));
}

LoadedCheckpoint CheckpointStore::load(const std::string& id, LoadScope scope) {
  const std::vector<CheckpointFolder> folders = list_folders(objects_, options_.prefix);
  const auto folder = std::find_if(folders.begin(), folders.end(), [&](const CheckpointFolder& candidate) { return candidate.id.text() == id; });
  if (folder == folders.end()) throw unreadable(format("checkpoint {} is not there", id));
  try {
    return load_folder(objects_, options_.prefix, *folder, scope, options_.num_threads);
  } catch (const DamagedCheckpoint& error) {
    throw unreadable(format("checkpoint {}", error.what()));
  }
}

}  // namespace trainhost
