// What lies in the store: the checkpoints under a prefix, whole or in part, and the attempts that were claimed.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/object_store.h"
#include "checkpoint/record.h"

namespace trainhost {

struct CheckpointFolder {
  CheckpointId id;
  std::map<std::string, uint64_t, std::less<>> sizes;  // of its objects, by name

  bool has(std::string_view name) const { return sizes.find(name) != sizes.end(); }
  bool is_committed() const { return has(kCommitObject); }
  bool is_verified() const { return has(kVerifiedObject); }
  uint64_t bytes() const;
};

/// Oldest first: by attempt, then by save. What is named otherwise is none of ours and left alone.
std::vector<CheckpointFolder> list_folders(ObjectStore& objects, const std::string& prefix);

/// Takes every object away, the records first, so that a reader never meets a checkpoint that seems whole and is not.
void remove_folder(ObjectStore& objects, const std::string& prefix, const CheckpointFolder& folder);

/// The attempt that wrote the newest of them; 0 when there is none. Checkpoints may have been copied here without the claims of their writers.
uint64_t newest_writer(const std::vector<CheckpointFolder>& folders);

/// Claims the number after the highest; of two processes that try at once each gets its own. `origin`: the checkpoint that the process goes on from,
/// empty for none: what an older process commits from now on is ignored. With `wanted`, which is above those of all checkpoints, it is this number or none:
/// 0 when another process was faster.
uint64_t claim_attempt(ObjectStore& objects, const std::string& prefix, const std::string& run_id, const std::string& origin = {},
                       std::optional<uint64_t> wanted = {});

/// The newest claim. A checkpoint of an older attempt that is newer than its origin came from a process that had been replaced.
struct Claim {
  uint64_t attempt = 0;
  std::optional<CheckpointId> origin;

  bool supersedes(const CheckpointId& id) const { return origin && id.attempt < attempt && origin->is_older_than(id); }
};
/// Attempt 0 when there is none. Reads the newest record, one that cannot be understood has no origin. Throws PluginCallError.
Claim newest_claim(ObjectStore& objects, const std::string& prefix);

/// 0 when none was claimed.
uint64_t newest_attempt(ObjectStore& objects, const std::string& prefix);

}  // namespace trainhost
