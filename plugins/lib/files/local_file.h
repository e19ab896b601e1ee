// A file of this machine as a RangedFile.
#pragma once
#include <filesystem>
#include <memory>

#include "files/ranged_file.h"

namespace trainhost {

/// `is_kept_open`: whether the descriptor is kept, which spares each read two calls. Throws PluginError for a file that cannot be read.
std::unique_ptr<RangedFile> open_local_file(const std::filesystem::path& path, bool is_kept_open);

}  // namespace trainhost
