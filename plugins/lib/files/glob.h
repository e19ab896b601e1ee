// Patterns over paths: * and ? within a name, ** over folders, braces for alternatives.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace trainhost {

/// "**/*.{h,hpp}" matches "a.h" and "x/y/a.hpp"; "ATen/ops/**" matches everything below that folder. Braces: files/braces.h. (std::filesystem has no
/// globbing, and fnmatch(3) knows neither ** nor {a,b}.)
class Glob {
 public:
  /// Throws PluginError INVALID_ARGUMENT for an empty pattern, for braces that do not close and for [sets], which are not supported.
  explicit Glob(std::string_view pattern);
  bool matches(std::string_view path) const;
  const std::vector<std::string>& alternatives() const { return alternatives_; }  // without braces

 private:
  std::vector<std::string> alternatives_;
};

/// Whether a pattern without braces holds * or ?.
bool has_wildcard(std::string_view pattern);
/// Whether a pattern without braces matches the whole path.
bool matches_pattern(std::string_view pattern, std::string_view path);

}  // namespace trainhost
