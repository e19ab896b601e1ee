// What a mirror knows of the host's format: the objects of one folder belong together, and one of them, made last, makes them a checkpoint.
#pragma once
#include <algorithm>
#include <array>
#include <string_view>

namespace mirrorckpt {

inline constexpr std::string_view kCommit = "commit";
/// Made with create, in this order, when all other objects of their folder are there.
inline constexpr std::array<std::string_view, 3> kRecords{kCommit, "verified", "good"};

/// "a/b/c" -> "a/b"; empty where there is none.
inline std::string_view folder_of(std::string_view key) {
  const std::size_t slash = key.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : key.substr(0, slash);
}
inline std::string_view name_of(std::string_view key) { return key.substr(key.rfind('/') + 1); }

/// 0: not a record; 1: the commit record; 2, 3: marks.
inline std::size_t record_rank(std::string_view key) {
  const auto found = std::find(kRecords.begin(), kRecords.end(), name_of(key));
  return found == kRecords.end() ? 0 : static_cast<std::size_t>(found - kRecords.begin()) + 1;
}
inline bool is_commit(std::string_view key) { return name_of(key) == kCommit && key.size() > kCommit.size(); }

}  // namespace mirrorckpt
