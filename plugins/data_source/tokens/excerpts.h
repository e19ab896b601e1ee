// Where each sample lies: excerpts of runs of tokens that belong together.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace trainhost {

/// A piece of a file: tokens first .. first + num_tokens - 1, of which all but the last are inputs and all but the first are targets.
struct Excerpt {
  size_t file;
  uint64_t first, num_tokens;
};

/// Files and their runs are added in order; then excerpts are numbered through. 24 bytes a run.
class Excerpts {
 public:
  /// Excerpt k of a run begins at its token k * stride and has context_length + 1 tokens. min_length 0: all have that length, and what is left of a run is not
  /// used. Else the last of a run may be shorter, down to min_length + 1; then stride <= context_length.
  Excerpts(uint64_t context_length, uint64_t stride, uint64_t min_length) : context_length_(context_length), stride_(stride), min_length_(min_length) {}

  void begin_file() { first_runs_.push_back(runs_.size()); }
  /// Tokens begin .. end - 1 of the file that was begun last.
  void add_run(uint64_t begin, uint64_t end);

  uint64_t size() const { return size_; }
  uint64_t num_runs() const { return runs_.size(); }  // with at least one excerpt
  Excerpt at(uint64_t id) const;                       // id < size()
  std::vector<uint64_t> file_starts() const;           // the first excerpt of each file that has one

 private:
  struct Run {
    uint64_t begin, end, first_id;
  };

  uint64_t excerpts_in(uint64_t num_tokens) const;

  uint64_t context_length_, stride_, min_length_, size_ = 0;
  std::vector<Run> runs_;
  std::vector<uint64_t> first_runs_;  // of each file
};

}  // namespace trainhost
