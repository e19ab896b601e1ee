// Marks parameters, and finds what a mistyped pattern meant.
#include "engine/frozen.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "engine/parameter_groups.h"

namespace trainhost {
namespace {

// The fewest letters that must be changed, added or removed for the pattern to match.
size_t distance(const std::string& pattern, const std::string& name) {
  std::vector<size_t> before(name.size() + 1), now(name.size() + 1);
  std::iota(before.begin(), before.end(), size_t{0});  // of an empty pattern
  for (const char letter : pattern) {
    const bool is_run = letter == '*';
    now[0] = before[0] + (is_run ? 0 : 1);
    for (size_t n = 1; n <= name.size(); ++n) {
      if (is_run) now[n] = std::min(before[n], now[n - 1]);
      else now[n] = std::min({before[n] + 1, now[n - 1] + 1, before[n - 1] + (letter == '?' || letter == name[n - 1] ? 0 : 1)});
    }
    std::swap(before, now);
  }
  return before.back();
}

std::string nearest_name(std::span<const t2::Parameter> parameters, const std::string& pattern) {
  const auto nearest = std::min_element(parameters.begin(), parameters.end(),
                                        [&](const t2::Parameter& a, const t2::Parameter& b) { return distance(pattern, a.name) < distance(pattern, b.name); });
  return nearest == parameters.end() ? "" : nearest->name;
}

}  // namespace

void freeze_parameters(std::span<t2::Parameter> parameters, const std::vector<std::string>& patterns) {
  for (const std::string& pattern : patterns) {
    bool is_used = false;
    for (t2::Parameter& parameter : parameters) {
      if (!matches_glob(pattern, parameter.name)) continue;
      is_used = true;
      parameter.is_trainable = false;
    }
    if (!is_used)
      throw Error(ExitCode::kConfig, format("model.freeze: \"{}\" matches no parameter; the nearest is {}; * stands for any letters, ? for one", pattern, nearest_name(parameters, pattern)));
  }
  if (!patterns.empty() && std::none_of(parameters.begin(), parameters.end(), [](const t2::Parameter& parameter) { return parameter.is_trainable; }))
    throw Error(ExitCode::kConfig, "model.freeze: matches every parameter, nothing is left to train; take a pattern out");
}

}  // namespace trainhost
