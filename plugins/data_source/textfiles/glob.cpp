// Braces are multiplied out once; the rest is matched by recursion.
#include "glob.h"

#include <algorithm>

#include <trainhost/plugin.hpp>

namespace trainhost {
namespace {

constexpr std::string_view kAnyFolders = "**/";

// Matches the first character class of the pattern against the start of the path, then the rest.
bool matches_one(std::string_view pattern, std::string_view path) {
  if (pattern.empty()) return path.empty();
  if (pattern == "**") return !path.empty();
  if (pattern.starts_with(kAnyFolders)) {
    const std::string_view rest = pattern.substr(kAnyFolders.size());
    for (size_t start = 0;; ++start) {
      if (matches_one(rest, path.substr(start))) return true;
      start = path.find('/', start);
      if (start == std::string_view::npos) return false;
    }
  }
  if (pattern[0] == '*') {
    for (size_t length = 0; length <= path.size() && (length == 0 || path[length - 1] != '/'); ++length) {
      if (matches_one(pattern.substr(1), path.substr(length))) return true;
    }
    return false;
  }
  if (path.empty() || (pattern[0] == '?' ? path[0] == '/' : path[0] != pattern[0])) return false;
  return matches_one(pattern.substr(1), path.substr(1));
}

[[noreturn]] void refuse(std::string_view pattern, const char* why) {
  throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("pattern \"{}\": {}; write * ? ** and {{a,b}}", pattern, why));
}

// The index of the brace that closes the one at `open`.
size_t closing_brace(std::string_view pattern, size_t open) {
  int depth = 0;
  for (size_t i = open; i < pattern.size(); ++i) {
    depth += pattern[i] == '{' ? 1 : pattern[i] == '}' ? -1 : 0;
    if (depth == 0) return i;
  }
  refuse(pattern, "a { is not closed");
}

void expand(std::string_view pattern, std::vector<std::string>& out) {
  const size_t open = pattern.find('{');
  if (open == std::string_view::npos) {
    if (pattern.find('}') != std::string_view::npos) refuse(pattern, "a } has no {");
    out.emplace_back(pattern);
    return;
  }
  const size_t close = closing_brace(pattern, open);
  int depth = 0;
  for (size_t begin = open + 1, i = begin; i <= close; ++i) {
    const bool is_end = depth == 0 && (pattern[i] == ',' || i == close);
    depth += pattern[i] == '{' ? 1 : pattern[i] == '}' ? -1 : 0;
    if (!is_end) continue;
    expand(std::string(pattern.substr(0, open)).append(pattern.substr(begin, i - begin)).append(pattern.substr(close + 1)), out);
    begin = i + 1;
  }
}

}  // namespace

Glob::Glob(std::string_view pattern) {
  if (pattern.empty()) refuse(pattern, "it is empty");
  if (pattern.find('[') != std::string_view::npos) refuse(pattern, "[sets] are not supported");
  expand(pattern, alternatives_);
}

bool Glob::matches(std::string_view path) const {
  return std::any_of(alternatives_.begin(), alternatives_.end(), [&](const std::string& pattern) { return matches_one(pattern, path); });
}

}  // namespace trainhost
