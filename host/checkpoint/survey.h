// What lies in a place, and in which state: records are read, no data.
#pragma once
#include <span>
#include <vector>

#include "checkpoint/folders.h"
#include "checkpoint/store.h"

namespace trainhost {

/// One for each folder, in their order. What a commit record does not tell stands in `problem`. Throws PluginCallError when the place cannot be read.
std::vector<CheckpointInfo> survey(ObjectStore& objects, const std::string& prefix, std::span<const CheckpointFolder> folders);

}  // namespace trainhost
