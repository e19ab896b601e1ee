// Which sample comes when: one source in the order of its sampler, or the parts of a mixture by turns, each in an order of its own.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "data/credit_schedule.h"
#include "data/sampler.h"
#include "plugin/data_source.h"

namespace trainhost {

/// A pure function of the options, the source's shape and the position. Neighbours are cheap. Not thread-safe.
/// An epoch has as many samples as the source, of a mixture as all parts have together: parts with more weight than size come more than once in it, others not
/// wholly; each part goes through epochs of its own, without repeating a sample within one.
class SampleOrder {
 public:
  SampleOrder(const SampleSource& source, const SamplerOptions& options);

  uint64_t epoch_samples() const { return epoch_samples_; }

  struct Drawn {
    uint64_t id = 0, key = 0;
  };
  Drawn at(uint64_t epoch, uint64_t position);

  /// Of each part of a mixture: samples before this position, from the first epoch on. Empty for one source.
  std::vector<uint64_t> part_samples_before(uint64_t epoch, uint64_t position) const;

 private:
  struct Part {
    uint64_t first_id = 0;
    uint64_t seed = 0;
    Sampler sampler;
  };

  uint64_t epoch_samples_;
  std::vector<Part> parts_;
  std::optional<CreditSchedule> schedule_;  // of a mixture
};

}  // namespace trainhost
