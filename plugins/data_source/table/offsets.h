// Ascending positions in a file, a little more than four bytes each.
#pragma once
#include <cstdint>
#include <vector>

namespace trainhost {

class Offsets {
 public:
  /// Neighbours are at most this far apart.
  static constexpr uint64_t kMostApart = uint64_t{1} << 25;

  void push(uint64_t offset) {
    if (beyond_.size() % kGroup == 0) anchors_.push_back(offset);
    beyond_.push_back(static_cast<uint32_t>(offset - anchors_.back()));  // at most (kGroup - 1) * kMostApart
  }
  uint64_t size() const { return beyond_.size(); }
  uint64_t operator[](uint64_t index) const { return anchors_[index / kGroup] + beyond_[index]; }

 private:
  static constexpr uint64_t kGroup = 64;
  std::vector<uint64_t> anchors_;  // of each group
  std::vector<uint32_t> beyond_;   // bytes behind the anchor
};

}  // namespace trainhost
