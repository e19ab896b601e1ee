// Whose turn it is in a mixture: parts in proportion to whole-number weights, at any position.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace trainhost {

/// A period has sum(weights) positions, of which each part has exactly its weight, spread evenly: each position gives every part its weight as credit, and the part
/// with most credit (of equals the first) takes the position and pays the sum. Periods repeat.
/// Memory: 5 bytes a position of one period. Any position can be asked for. [any]
class CreditSchedule {
 public:
  static constexpr uint64_t kMostPositions = 65536;  // of a period

  /// Whole numbers in the proportion of `weights` (each above 0, at most 256 of them): exactly where kMostPositions allow it, else as near as their sum of
  /// kMostPositions allows, none below 1.
  explicit CreditSchedule(std::span<const double> weights);

  struct Turn {
    uint64_t part = 0;
    uint64_t count = 0;  // turns that this part had before
  };
  Turn at(uint64_t position) const;

  /// Turns of each part before `position`.
  std::vector<uint64_t> counts_before(uint64_t position) const;

  const std::vector<uint64_t>& weights() const { return weights_; }
  uint64_t period() const { return parts_.size(); }

 private:
  std::vector<uint64_t> weights_;
  std::vector<uint8_t> parts_;   // by position of the period
  std::vector<uint32_t> ranks_;  // turns of that part before it, in the period
};

}  // namespace trainhost
