#include "excerpts.h"

#include <algorithm>

namespace trainhost {

uint64_t Excerpts::excerpts_in(uint64_t num_tokens) const {
  const uint64_t whole = context_length_ + 1;
  if (min_length_ == 0) return num_tokens < whole ? 0 : (num_tokens - whole) / stride_ + 1;
  if (num_tokens <= min_length_) return 0;
  if (num_tokens <= whole) return 1;
  const uint64_t last = (num_tokens - whole + stride_ - 1) / stride_;  // the first excerpt that reaches the end
  return last + (num_tokens - last * stride_ > min_length_ ? 1 : 0);
}

void Excerpts::add_run(uint64_t begin, uint64_t end) {
  const uint64_t count = excerpts_in(end - begin);
  if (count == 0) return;
  runs_.push_back({begin, end, size_});
  size_ += count;
}

Excerpt Excerpts::at(uint64_t id) const {
  const auto run = std::upper_bound(runs_.begin(), runs_.end(), id, [](uint64_t wanted, const Run& other) { return wanted < other.first_id; }) - 1;
  const auto run_index = static_cast<uint64_t>(run - runs_.begin());
  const auto file = static_cast<size_t>(std::upper_bound(first_runs_.begin(), first_runs_.end(), run_index) - first_runs_.begin()) - 1;
  const uint64_t first = run->begin + (id - run->first_id) * stride_;
  return {file, first, std::min(context_length_ + 1, run->end - first)};
}

std::vector<uint64_t> Excerpts::file_starts() const {
  std::vector<uint64_t> out;
  for (size_t file = 0; file < first_runs_.size(); ++file) {
    const uint64_t end = file + 1 < first_runs_.size() ? first_runs_[file + 1] : runs_.size();
    if (first_runs_[file] < end) out.push_back(runs_[first_runs_[file]].first_id);
  }
  return out;
}

}  // namespace trainhost
