// The files of a data set, by name and pattern.
#pragma once
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trainhost {

struct ListedFile {
  std::filesystem::path path;  // as it can be opened from the working folder
  std::string name;            // relative to the deepest folder that holds all files of the list: the same wherever the data lies
};

/// The files that `patterns` name, in the byte order of their paths, each once. Patterns are paths as seen from the working folder, with what Glob knows;
/// `key` ("tokens.files") begins every message. Wildcards pass over names that begin with a dot and over links to folders; links to files are followed.
/// Throws PluginError: INVALID_ARGUMENT for a malformed pattern, NOT_FOUND for a pattern that matches nothing and for a name that does not exist,
/// PERMISSION_DENIED for a folder that cannot be read, FAILED_PRECONDITION for a name that is no regular file.
std::vector<ListedFile> list_files(std::span<const std::string> patterns, std::string_view key);

/// The same in two steps, for lists that hold other names too: first the paths, in no order and maybe more than once...
std::vector<std::string> find_paths(std::span<const std::string> patterns, std::string_view key);
/// ...then sorted, each once, with their names. `paths` holds at least one.
std::vector<ListedFile> named_files(std::vector<std::string> paths);

}  // namespace trainhost
