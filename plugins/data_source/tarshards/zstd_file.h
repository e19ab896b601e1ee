// A compressed shard as if it were not compressed.
#pragma once
#include <memory>

#include "frame_cache.h"
#include "files/ranged_file.h"

namespace trainhost::tarshards {

/// `compressed`: a zstd file with a seek table. Sizes and offsets are those of what was compressed. A read decompresses the frames that it touches, unless `cache`
/// has them. `cache` outlives the result. Throws what read_seek_table throws.
std::unique_ptr<RangedFile> open_zstd_file(std::unique_ptr<RangedFile> compressed, FrameCache& cache);

}  // namespace trainhost::tarshards
