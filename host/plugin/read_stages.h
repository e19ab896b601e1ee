// Where the time of one read goes, as its source says it (service trainhost.data_stages/1).
#pragma once
#include <cstdint>

namespace trainhost {

/// While it lives, what sources say on this thread is summed here. Nests: the inner one wins.
class ReadStages {
 public:
  ReadStages();
  ~ReadStages();
  ReadStages(const ReadStages&) = delete;
  ReadStages& operator=(const ReadStages&) = delete;

  uint64_t decode_ns() const { return decode_ns_; }
  uint64_t transform_ns() const { return transform_ns_; }

  /// Of the calling thread's innermost; does nothing where there is none. A stage that is not known, as TRAINHOST_STAGE_READ, is what is left over.
  static void add(int32_t stage, uint64_t nanoseconds);

 private:
  ReadStages* outer_;
  uint64_t decode_ns_ = 0, transform_ns_ = 0;
};

}  // namespace trainhost
