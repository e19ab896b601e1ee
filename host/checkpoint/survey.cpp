// Folders, their records and the newest claim, joined.
#include "checkpoint/survey.h"

#include "checkpoint/reader.h"

namespace trainhost {
namespace {

void read_commit(ObjectStore& objects, const std::string& prefix, const CheckpointFolder& folder, CheckpointInfo& info) {
  try {
    const CommitRecord commit = CheckpointReader(objects, prefix, folder, 1).commit();
    info.window = commit.window;
    info.unix_ms = commit.unix_ms;
    info.evaluation = commit.evaluation;
    info.is_verified = folder.is_verified();
    info.is_good = info.is_verified && folder.has(kGoodObject);
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
    if (info.is_committed) read_commit(objects, prefix, folder, info);
    infos.push_back(std::move(info));
  }
  return infos;
}

}  // namespace trainhost
