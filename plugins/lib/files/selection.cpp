#include "files/selection.h"

#include <algorithm>
#include <bit>

namespace trainhost {
namespace {

constexpr size_t kWords = 8;

}  // namespace

void Selection::count_words() {
  for (size_t i = 0; i < words_.size(); ++i) {
    if (i % kWords == 0) before_.push_back(size_);
    size_ += static_cast<uint64_t>(std::popcount(words_[i]));
  }
}

uint64_t Selection::at(uint64_t id) const {
  if (!is_subset_) return id;
  const auto group = static_cast<size_t>(std::upper_bound(before_.begin(), before_.end(), id) - before_.begin()) - 1;
  uint64_t rest = id - before_[group];
  size_t word = group * kWords;
  for (uint64_t here; (here = static_cast<uint64_t>(std::popcount(words_[word]))) <= rest; ++word) rest -= here;
  uint64_t bits = words_[word];
  for (; rest > 0; --rest) bits &= bits - 1;  // without the lowest
  return word * 64 + static_cast<uint64_t>(std::countr_zero(bits));
}

uint64_t Selection::below(uint64_t number) const {
  if (!is_subset_) return number;
  const size_t word = number / 64;
  if (word == words_.size()) return size_;
  uint64_t count = before_[word / kWords];
  for (size_t i = word / kWords * kWords; i < word; ++i) count += static_cast<uint64_t>(std::popcount(words_[i]));
  return count + static_cast<uint64_t>(std::popcount(words_[word] & ((uint64_t{1} << number % 64) - 1)));
}

std::vector<uint64_t> block_starts(const Selection& selection, std::span<const uint64_t> starts) {
  std::vector<uint64_t> out;
  for (const uint64_t start : starts) {
    const uint64_t id = selection.below(start);
    if (!out.empty() && out.back() == id) continue;
    out.push_back(id);
  }
  if (!out.empty() && out.back() == selection.size()) out.pop_back();
  return out;
}

}  // namespace trainhost
