// The first brace is multiplied out, what follows by recursion.
#include "files/braces.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include <trainhost/cpp/error.hpp>

namespace trainhost {
namespace {

constexpr size_t kMostNames = 1'000'000;

[[noreturn]] void refuse(std::string_view pattern, std::string_view why) {
  throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("pattern \"{}\": {}; write * ? ** {{a,b}} and {{00..99}}", pattern, why));
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

uint64_t number(std::string_view pattern, std::string_view digits) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) refuse(pattern, format("\"{}\" is no whole number", digits));
  return value;
}

std::vector<std::string> range(std::string_view pattern, std::string_view first, std::string_view last) {
  const uint64_t begin = number(pattern, first), end = number(pattern, last);
  if (end < begin) refuse(pattern, format("the range from {} to {} runs backwards", begin, end));
  if (end - begin >= kMostNames) refuse(pattern, format("the range has {} numbers, at most {} are taken", end - begin, kMostNames));
  const size_t width = first.starts_with('0') || last.starts_with('0') ? std::max(first.size(), last.size()) : 0;
  std::vector<std::string> out;
  for (uint64_t value = begin; out.size() <= end - begin; ++value) {
    std::string digits = std::to_string(value);
    if (digits.size() < width) digits.insert(0, width - digits.size(), '0');
    out.push_back(std::move(digits));
  }
  return out;
}

// What stands between two braces, cut at its own commas.
std::vector<std::string> alternatives(std::string_view pattern, std::string_view inner) {
  std::vector<std::string> out;
  int depth = 0;
  size_t begin = 0;
  for (size_t i = 0; i < inner.size(); ++i) {
    depth += inner[i] == '{' ? 1 : inner[i] == '}' ? -1 : 0;
    if (depth > 0 || inner[i] != ',') continue;
    out.emplace_back(inner.substr(begin, i - begin));
    begin = i + 1;
  }
  out.emplace_back(inner.substr(begin));
  const size_t dots = inner.find("..");
  if (out.size() > 1 || dots == std::string_view::npos || inner.find('{') != std::string_view::npos) return out;
  return range(pattern, inner.substr(0, dots), inner.substr(dots + 2));
}

void expand(std::string_view whole, std::string_view pattern, std::vector<std::string>& out) {
  const size_t open = pattern.find('{'), stray = pattern.find('}');
  if (stray < open) refuse(whole, "a } has no {");
  if (open == std::string_view::npos) {
    if (out.size() == kMostNames) refuse(whole, format("it stands for more than {} names", kMostNames));
    out.emplace_back(pattern);
    return;
  }
  const size_t close = closing_brace(pattern, open);
  const std::string_view head = pattern.substr(0, open), tail = pattern.substr(close + 1);
  for (const std::string& one : alternatives(whole, pattern.substr(open + 1, close - open - 1))) expand(whole, std::string(head).append(one).append(tail), out);
}

}  // namespace

std::vector<std::string> expand_braces(std::string_view pattern) {
  std::vector<std::string> out;
  expand(pattern, pattern, out);
  return out;
}

}  // namespace trainhost
