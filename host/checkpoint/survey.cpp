// Folders, their records and the newest claim, joined.
#include "checkpoint/survey.h"

#include "checkpoint/copies.h"

namespace trainhost {
namespace {

bool has_right_mark(ObjectStore& objects, const std::string& prefix, const CheckpointFolder& folder, std::string_view name, CheckpointInfo& info) {
  if (!folder.has(name)) return false;
  const std::string problem = mark_problem(objects, prefix, folder, name);
  if (info.mark_problem.empty()) info.mark_problem = problem;
  return problem.empty();
}

void read_records(ObjectStore& objects, const std::string& prefix, const CheckpointFolder& folder, CheckpointInfo& info) {
  try {
    const CommitRecord commit = read_any_copy(objects, folder, [&](ObjectStore& place, const CheckpointFolder& copy) { return CheckpointReader(place, prefix, copy, 1).commit(); });
    info.window = commit.window;
    info.unix_ms = commit.unix_ms;
    info.evaluation = commit.evaluation;
    info.is_verified = has_right_mark(objects, prefix, folder, kVerifiedObject, info);
    info.is_good = has_right_mark(objects, prefix, folder, kGoodObject, info) && info.is_verified;
  } catch (const DamagedCheckpoint& error) {
    info.problem = error.what();
  } catch (const NewerCheckpoint& error) {
    info.problem = error.what();
    info.is_newer_format = true;
  }
}

}  // namespace

std::vector<CheckpointInfo> survey(ObjectStore& objects, const std::string& prefix, std::span<const CheckpointFolder> folders) {
  const Claim claim = newest_claim(objects, prefix);
  std::vector<CheckpointInfo> infos;
  for (const CheckpointFolder& folder : folders) {
    CheckpointInfo info;
    info.id = folder.id.text();
    info.step = folder.id.step;
    info.attempt = folder.id.attempt;
    info.save = folder.id.save;
    info.bytes = folder.bytes();
    info.is_committed = folder.is_committed();
    info.is_superseded = claim.supersedes(folder.id);
    // A mark without the commit record is what damage looks like, since removal takes the marks first.
    if (!info.is_committed && (folder.is_verified() || folder.has(kGoodObject))) info.problem = info.id + ": commit: commit: is missing";
    if (info.is_committed) read_records(objects, prefix, folder, info);
    infos.push_back(std::move(info));
  }
  return infos;
}

}  // namespace trainhost
