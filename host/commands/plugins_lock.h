// plugins.lock: the plugin files that a config was tried with. Another file in the place of one of them is refused until somebody renews the lock.
#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "config/tree.h"
#include "loop/run_plugins.h"

namespace trainhost {

struct LockedPlugin {
  std::string version, sha256;
};
using PluginsLock = std::map<std::string, LockedPlugin>;  // by "kind/name"

/// Throws Error(kPlugin) when the file cannot be read or is no lock.
PluginsLock read_plugins_lock(const std::filesystem::path& file);

/// JSON, one plugin a line, sorted by name, so that a difference between two locks is easy to read.
std::string plugins_lock_text(const PluginsLock& lock);

/// The lock with the entries of the chosen plugins put in or renewed. Entries of others stay: configs of one folder share its lock.
PluginsLock with_chosen(PluginsLock lock, std::span<const ChosenPlugin> chosen);

/// Where the lock of a config is: at its key plugins_lock, else beside the config file; the default job has none but by the key. It need not exist.
std::optional<std::filesystem::path> plugins_lock_place(const ConfigTree& tree, const std::optional<std::filesystem::path>& config_file);

/// Throws Error(kPlugin) naming every chosen plugin that is not in the lock or not as it was locked; `renewal` is the command that puts it right.
void require_locked(const PluginsLock& lock, const std::filesystem::path& file, std::span<const ChosenPlugin> chosen, const std::string& renewal);

}  // namespace trainhost
