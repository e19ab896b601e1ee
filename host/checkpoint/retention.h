// Which checkpoints stay.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "checkpoint/store.h"

namespace trainhost {

/// `checkpoints` are all of the store, oldest first, those without a commit too. Returns the ids to remove.
/// Kept of the verified ones: the newest `keep_last`, the first of every `keep_every` steps, the `keep_best` best, the two newest good ones, and the one
/// that is next to become good. Everything else that is older than the newest verified one goes, but for what only a newer program can judge; what is newer
/// is somebody's work in progress. What a replaced process committed counts as not verified.
std::vector<std::string> choose_outdated(std::span<const CheckpointInfo> checkpoints, const StoreOptions& options);

/// The best of the verified ones, of equals the newer; nullptr when none has the metric.
const CheckpointInfo* best_checkpoint(std::span<const CheckpointInfo> checkpoints, const std::string& metric, bool is_higher_better);

}  // namespace trainhost
