// Patterns over relative paths: * and ? within a name, ** over folders, {a,b} for alternatives.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace trainhost {

/// "**/*.{h,hpp}" matches "a.h" and "x/y/a.hpp"; "ATen/ops/**" matches everything below that folder. (std::filesystem has no globbing, and fnmatch(3)
/// knows neither ** nor {a,b}.)
class Glob {
 public:
  /// Throws PluginError(INVALID_ARGUMENT) for braces that do not close and for [sets], which are not supported.
  explicit Glob(std::string_view pattern);
  bool matches(std::string_view path) const;

 private:
  std::vector<std::string> alternatives_;  // without braces
};

}  // namespace trainhost
