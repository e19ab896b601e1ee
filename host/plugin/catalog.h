// Which plugins there are: the folders of the search path, read without running anything.
#pragma once
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/metadata.h"

namespace trainhost {

/// PROGRAM/../plugins, PROGRAM/../lib/trainhost/plugins, the colon list TRAINHOST_PLUGIN_PATH, then `configured` (the key plugin_path).
/// Existing folders only, each once. Never the working folder: an empty element of the variable is passed over, a relative one is refused.
/// Throws Error(kConfig) for that, and for a configured folder that does not exist.
std::vector<std::filesystem::path> plugin_search_path(std::span<const std::filesystem::path> configured = {});

/// A *.so in the search path that this host cannot use.
struct BrokenFile {
  std::filesystem::path file;
  std::string reason;              // the whole message, with the remedy
  std::vector<std::string> names;  // "kind/name" of its records, as far as they can be read
};

/// What becomes of plugin files that others may write to (plugin/trust.h).
enum class WritableFiles { kRefused, kAllowed };

/// Files that are broken, and names that stand twice, hurt only those who ask for them. Not thread-safe.
class PluginCatalog {
 public:
  PluginCatalog() = default;

  /// Reads every *.so of the folders, in order of their names. Never throws for what a file holds. Files that must not be trusted are broken ones.
  static PluginCatalog scan(std::span<const std::filesystem::path> folders, const HostAbi& host = host_abi(),
                            WritableFiles writable_files = WritableFiles::kRefused);

  /// Usable plugins by kind (in the order of plugin_kinds()), then name. Twins are all here.
  const std::vector<PluginRecord>& records() const { return records_; }
  const std::vector<BrokenFile>& broken() const { return broken_; }
  const std::vector<std::filesystem::path>& folders() const { return folders_; }
  WritableFiles writable_files() const { return writable_files_; }

  /// One plugin by "name", "kind/name" or the path of a plugin file with one plugin in it; a path may lie outside of the folders, and then hides twins
  /// of its plugin from now on. Throws Error(kPlugin): unknown (with the nearest name and the folders), ambiguous, two files, broken, not to be trusted.
  PluginRecord find(std::string_view wanted);

 private:
  void add_folder(const std::filesystem::path& folder);
  void add_file(const std::filesystem::path& file, const std::string& folder_complaint);
  void require_trusted(const std::filesystem::path& file, const std::string& folder_complaint = {}) const;
  void sort();
  PluginRecord find_file(const std::filesystem::path& file);
  std::vector<const PluginRecord*> matches(std::string_view wanted) const;
  [[noreturn]] void throw_unknown(std::string_view wanted) const;

  HostAbi host_;
  WritableFiles writable_files_ = WritableFiles::kRefused;
  std::vector<std::filesystem::path> folders_;
  std::vector<PluginRecord> records_;
  std::vector<BrokenFile> broken_;
};

}  // namespace trainhost
