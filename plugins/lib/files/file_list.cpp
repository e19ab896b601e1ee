// A name is looked up; a pattern walks the folder before its first wildcard, no deeper than it can match.
#include "files/file_list.h"

#include <algorithm>
#include <limits>

#include <trainhost/cpp/error.hpp>

#include "files/glob.h"

namespace trainhost {
namespace {

namespace fs = std::filesystem;

PluginError missing(std::string_view key, std::string_view pattern, std::string_view why) {
  return {TRAINHOST_NOT_FOUND, format("{}: \"{}\" (seen from {}) {}; correct the path", key, pattern, fs::current_path().string(), why)};
}

void add_name(const std::string& name, std::string_view key, std::vector<std::string>& out) {
  std::error_code error;
  const fs::file_status status = fs::status(name, error);
  if (status.type() == fs::file_type::not_found) throw missing(key, name, "does not exist");
  if (error) throw PluginError(TRAINHOST_PERMISSION_DENIED, format("{}: \"{}\": {}; correct the permissions", key, name, error.message()));
  if (fs::is_directory(status)) throw PluginError(TRAINHOST_FAILED_PRECONDITION, format("{}: \"{}\" is a folder; write \"{}/*\" for the files in it", key, name, name));
  if (!fs::is_regular_file(status)) throw PluginError(TRAINHOST_FAILED_PRECONDITION, format("{}: \"{}\" is no regular file", key, name));
  out.push_back(fs::path(name).lexically_normal().string());
}

bool is_hidden(const fs::path& path) { return path.filename().native().starts_with('.'); }

// Everything below the folder that matches the rest of the pattern.
void walk(const fs::path& folder, std::string_view rest, std::vector<std::string>& out) {
  const bool is_any_depth = rest.find("**") != std::string_view::npos;
  const auto deepest = is_any_depth ? std::numeric_limits<int>::max() : static_cast<int>(std::count(rest.begin(), rest.end(), '/'));
  const size_t skipped = folder.empty() ? 2 : folder.native().size() + (folder.native().ends_with('/') ? 0 : 1);  // "./" or "folder/"
  for (auto entry = fs::recursive_directory_iterator(folder.empty() ? "." : folder); entry != fs::recursive_directory_iterator(); ++entry) {
    if (is_hidden(entry->path()) || entry.depth() >= deepest) entry.disable_recursion_pending();
    if (is_hidden(entry->path()) || !entry->is_regular_file()) continue;
    const std::string relative = entry->path().native().substr(skipped);
    if (matches_pattern(rest, relative)) out.push_back((folder / relative).lexically_normal().string());
  }
}

void add_matches(const std::string& pattern, std::string_view key, std::vector<std::string>& out) {
  const size_t slash = pattern.rfind('/', pattern.find_first_of("*?"));
  const fs::path folder = slash == std::string::npos ? "" : slash == 0 ? "/" : pattern.substr(0, slash);
  std::error_code error;
  if (!folder.empty() && !fs::is_directory(folder, error)) throw missing(key, pattern, format("matches nothing: {} is no folder that can be read", folder.string()));
  const size_t before = out.size();
  try {
    walk(folder, std::string_view(pattern).substr(slash == std::string::npos ? 0 : slash + 1), out);
  } catch (const fs::filesystem_error& unreadable) {
    throw PluginError(TRAINHOST_PERMISSION_DENIED, format("{}: {}: {}; correct the permissions", key, unreadable.path1().string(), unreadable.code().message()));
  }
  if (out.size() == before) throw missing(key, pattern, "matches no file");
}

// Length of the longest common start that ends with a slash.
size_t common_folder(const std::string& a, const std::string& b, size_t most) {
  const auto differ = static_cast<size_t>(std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(std::min({a.size(), b.size(), most})), b.begin()).first - a.begin());
  return differ == 0 ? 0 : a.rfind('/', differ - 1) + 1;  // npos + 1 == 0
}

}  // namespace

std::vector<ListedFile> list_files(std::span<const std::string> patterns, std::string_view key) {
  if (patterns.empty()) throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("{}: the list is empty; name at least one file", key));
  return named_files(find_paths(patterns, key));
}

std::vector<std::string> find_paths(std::span<const std::string> patterns, std::string_view key) {
  std::vector<std::string> paths;
  for (const std::string& text : patterns) {
    const Glob glob(text);
    for (const std::string& pattern : glob.alternatives()) has_wildcard(pattern) ? add_matches(pattern, key, paths) : add_name(pattern, key, paths);
  }
  return paths;
}

std::vector<ListedFile> named_files(std::vector<std::string> paths) {
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());

  size_t shared = paths[0].rfind('/') + 1;
  for (const std::string& path : paths) shared = common_folder(paths[0], path, shared);
  std::vector<ListedFile> files;
  for (std::string& path : paths) files.push_back({path, path.substr(shared)});
  return files;
}

}  // namespace trainhost
