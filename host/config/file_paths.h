// Paths in the host's keys (inside of the config room): they are relative to the file that says them, never to where somebody happens to stand.
#pragma once
#include <filesystem>

#include "config/tree.h"

namespace trainhost {

/// The value of the key with its relative paths made absolute, taken from `folder`: all of plugin_path and plugins_lock, model.init_from unless it is a URI, and
/// those words in lists of plugins that are paths. Values of other keys come back as they are.
nlohmann::json with_absolute_paths(const KeyPath& key, nlohmann::json value, const std::filesystem::path& folder);

}  // namespace trainhost
