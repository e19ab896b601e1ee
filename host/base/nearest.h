// "Did you mean": the nearest known word to a mistyped one.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace trainhost {

/// The candidate with the smallest edit distance (Damerau, one swap = one edit) to `word`, when it is near enough to be a typing error; ties: the first.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates);

/// "; did you mean \"x\"?" or, when nothing is near, "; known: a, b, c" (at most 12 names).
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates);

}  // namespace trainhost
