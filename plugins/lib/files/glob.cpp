// Braces are multiplied out once; the rest is matched by recursion.
#include "files/glob.h"

#include <algorithm>

#include <trainhost/cpp/error.hpp>

#include "files/braces.h"

namespace trainhost {
namespace {

constexpr std::string_view kAnyFolders = "**/";

}  // namespace

// Matches the first character class of the pattern against the start of the path, then the rest.
bool matches_pattern(std::string_view pattern, std::string_view path) {
  if (pattern.empty()) return path.empty();
  if (pattern == "**") return !path.empty();
  if (pattern.starts_with(kAnyFolders)) {
    const std::string_view rest = pattern.substr(kAnyFolders.size());
    for (size_t start = 0;; ++start) {
      if (matches_pattern(rest, path.substr(start))) return true;
      start = path.find('/', start);
      if (start == std::string_view::npos) return false;
    }
  }
  if (pattern[0] == '*') {
    for (size_t length = 0; length <= path.size() && (length == 0 || path[length - 1] != '/'); ++length) {
      if (matches_pattern(pattern.substr(1), path.substr(length))) return true;
    }
    return false;
  }
  if (path.empty() || (pattern[0] == '?' ? path[0] == '/' : path[0] != pattern[0])) return false;
  return matches_pattern(pattern.substr(1), path.substr(1));
}

bool has_wildcard(std::string_view pattern) { return pattern.find_first_of("*?") != std::string_view::npos; }

Glob::Glob(std::string_view pattern) {
  const auto refuse = [&](const char* why) { throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("pattern \"{}\": {}; write * ? ** {{a,b}} and {{00..99}}", pattern, why)); };
  if (pattern.empty()) refuse("it is empty");
  if (pattern.find('[') != std::string_view::npos) refuse("[sets] are not supported");
  alternatives_ = expand_braces(pattern);
}

bool Glob::matches(std::string_view path) const {
  return std::any_of(alternatives_.begin(), alternatives_.end(), [&](const std::string& pattern) { return matches_pattern(pattern, path); });
}

}  // namespace trainhost
