// A subset of numbered samples, numbered anew.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace trainhost {

/// One bit a number, and one count for 512 of them. Everything of `count`: no memory.
class Selection {
 public:
  explicit Selection(uint64_t count = 0) : size_(count) {}
  /// `take(number)` is asked for 0 .. count - 1 in order.
  template <class Take>
  Selection(uint64_t count, Take&& take) : is_subset_(true), words_((count + 63) / 64) {
    for (uint64_t number = 0; number < count; ++number) words_[number / 64] |= uint64_t{take(number)} << number % 64;
    count_words();
  }

  uint64_t size() const { return size_; }
  /// The id-th number that was taken, from 0 on; id < size().
  uint64_t at(uint64_t id) const;
  /// How many numbers below `number` were taken; number <= count.
  uint64_t below(uint64_t number) const;

 private:
  void count_words();

  bool is_subset_ = false;
  std::vector<uint64_t> words_, before_;  // before_: taken before each kWords words
  uint64_t size_ = 0;
};

/// Where the blocks that begin at `starts` begin in the selection's own numbering, as SourceInfo::block_starts wants them; blocks without samples go.
std::vector<uint64_t> block_starts(const Selection& selection, std::span<const uint64_t> starts);

}  // namespace trainhost
