// Indexes that NVIDIA DALI's wds2idx has written.
#pragma once
#include <string_view>

#include "files/ranged_file.h"
#include "shard_index.h"

namespace trainhost::tarshards {

/// `text`: "v1.1 N" or "v1.2 N", then a line for each of N samples: "EXTENSION OFFSET SIZE", in v1.2 followed by the member's name, for each member. Each
/// member's header in the archive is compared, so that an index of another archive is found out. `place` is the index's name, for messages.
/// v1.1 has no names: they come out of the headers, and must be at most 100 bytes long.
/// Throws PluginError(DATA_LOSS) with line and what is wrong. Samples are grouped by the same rules as those of a walk through the archive.
ShardIndex import_dali_index(std::string_view text, std::string_view place, const RangedFile& file);

}  // namespace trainhost::tarshards
