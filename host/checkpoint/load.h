// Reading one checkpoint back into memory.
#pragma once
#include "checkpoint/reader.h"

namespace trainhost {

/// Throws as CheckpointReader does.
LoadedCheckpoint load_folder(ObjectStore& objects, const std::string& prefix, const CheckpointFolder& folder, LoadScope scope, unsigned num_threads);

}  // namespace trainhost
