// Finding checkpoints again: the list, the newest that can be trusted, the best.
#include <algorithm>

#include "base/log.h"
#include "checkpoint/copies.h"
#include "checkpoint/load.h"
#include "checkpoint/retention.h"
#include "checkpoint/store.h"
#include "checkpoint/survey.h"

namespace trainhost {
namespace {

Error unreadable(const std::string& what) { return Error(ExitCode::kCheckpointUnreadable, what); }

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
    for (const std::string& problem : {info.problem, info.mark_problem})
      if (!problem.empty()) log_warning("checkpoint {}", problem);
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

/// What a process that begins sees of the place.
struct CheckpointStore::Look {
  Claim claim;
  std::vector<CheckpointFolder> folders;
};

// The claims come first: a process that claims and commits between the two requests shows in the second one at least.
CheckpointStore::Look CheckpointStore::look_around() {
  Look look{newest_claim(objects_, options_.prefix), {}};
  look.folders = list_folders(objects_, options_.prefix);
  if (attempt_ == 0) attempt_at_look_ = std::max(look.claim.attempt, newest_writer(look.folders)) + 1;
  return look;
}

std::optional<LoadedCheckpoint> CheckpointStore::load_newest_verified(const OnDamaged& on_damaged, LoadScope scope) {
  const Look look = look_around();
  std::vector<const CheckpointFolder*> candidates = newest_first(look.folders, look.claim);
  // Without any record it was never finished. A mark without the commit record is what damage looks like, since removal takes the marks first.
  std::erase_if(candidates, [](const CheckpointFolder* folder) { return !folder->is_committed() && !folder->is_verified() && !folder->has(kGoodObject); });
  return load_first(candidates, on_damaged, scope);
}

std::optional<LoadedCheckpoint> CheckpointStore::load_newest_good(const OnDamaged& on_damaged, LoadScope scope) {
  const Look look = look_around();
  std::vector<const CheckpointFolder*> candidates = newest_first(look.folders, look.claim);
  std::erase_if(candidates, [&](const CheckpointFolder* folder) { return !has_right_mark(*folder, kGoodObject); });
  return load_first(candidates, on_damaged, scope);
}

bool CheckpointStore::has_right_mark(const CheckpointFolder& folder, std::string_view name) {
  const std::string problem = folder.has(name) ? mark_problem(objects_, options_.prefix, folder, name) : "";
  if (!problem.empty()) log_warning("checkpoint {}", problem);
  return folder.has(name) && problem.empty();
}

std::optional<CheckpointInfo> CheckpointStore::newest_good() {
  const std::vector<CheckpointInfo> infos = list();
  const auto is_good = [](const CheckpointInfo& info) { return info.is_good && !info.is_superseded; };
  const auto found = std::find_if(infos.rbegin(), infos.rend(), is_good);
  return found == infos.rend() ? std::nullopt : std::optional(*found);
}

LoadedCheckpoint CheckpointStore::load_any_copy(const CheckpointFolder& folder, LoadScope scope) {
  LoadedCheckpoint loaded = read_any_copy(objects_, folder, [&](ObjectStore& objects, const CheckpointFolder& copy) { return load_folder(objects, options_.prefix, copy, scope, options_.load_threads); });
  loaded.info.bytes = folder.bytes();
  return loaded;
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
