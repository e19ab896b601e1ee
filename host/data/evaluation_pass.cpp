// Ids in ascending order, spread over the set.
#include "data/evaluation_pass.h"

#include <algorithm>

#include "data/sampler.h"

namespace trainhost {

__extension__ typedef unsigned __int128 uint128;  // keeps the product below from overflowing

EvaluationPass::EvaluationPass(DataSource& source, EvaluationOptions options, BatchDevice& device)
    : options_(std::move(options)),
      set_samples_(source.info().num_samples),
      num_samples_(options_.max_samples == 0 ? set_samples_ : std::min(options_.max_samples, set_samples_)),
      reader_(source, options_.set_name, device),
      read_ahead_(reader_, device, options_.threads, options_.prefetch_batches) {}

std::unique_ptr<DeviceBatch> EvaluationPass::next() {
  while (queued_ < num_samples_ && read_ahead_.has_room()) {
    const uint64_t end = std::min(num_samples_, queued_ + std::max<uint64_t>(options_.micro_batch_samples, 1));
    SampleList samples;
    for (; queued_ < end; ++queued_) {
      samples.ids.push_back(static_cast<uint64_t>(static_cast<uint128>(queued_) * set_samples_ / num_samples_));
      samples.keys.push_back(sample_key(options_.seed, 0, samples.ids.back()));
    }
    read_ahead_.push(std::move(samples));
  }
  return read_ahead_.is_empty() ? nullptr : std::move(read_ahead_.pop().batch);
}

}  // namespace trainhost
