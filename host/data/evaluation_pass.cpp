// Ids in ascending order, spread over the set.
#include "data/evaluation_pass.h"

#include <algorithm>

#include "data/sampler.h"

namespace trainhost {

__extension__ typedef unsigned __int128 uint128;  // keeps the product below from overflowing

EvaluationPass::EvaluationPass(const SampleSource& source, EvaluationOptions options, BatchDevice& device)
    : options_(std::move(options)),
      set_samples_(source.info().num_samples),
      num_samples_(options_.max_samples == 0 ? set_samples_ : std::min(options_.max_samples, set_samples_)),
      tuner_(options_.threads, options_.first_threads, options_.cores),
      read_ahead_(source, device,
                  {.set_name = options_.set_name,
                   .threads = tuner_.threads(),
                   .batches = options_.prefetch_batches,
                   .memory_bytes = options_.memory_bytes,
                   .stall_seconds = options_.stall_seconds,
                   .clock = options_.clock}) {}

std::unique_ptr<DeviceBatch> EvaluationPass::next() {
  queue();
  if (read_ahead_.is_empty()) return nullptr;
  ReadAhead::Item item = read_ahead_.pop();
  given_ += item.batch->num_samples;
  waited_seconds_ += item.waited.sum();
  tune_threads();
  queue();
  return std::move(item.batch);
}

void EvaluationPass::queue() {
  while (queued_ < num_samples_ && read_ahead_.has_room()) {
    const uint64_t end = std::min(num_samples_, queued_ + std::max<uint64_t>(options_.micro_batch_samples, 1));
    SampleList samples;
    for (; queued_ < end; ++queued_) {
      samples.ids.push_back(static_cast<uint64_t>(static_cast<uint128>(queued_) * set_samples_ / num_samples_));
      samples.keys.push_back(sample_key(options_.seed, 0, samples.ids.back()));
    }
    read_ahead_.push(std::move(samples));
  }
}

void EvaluationPass::tune_threads() {
  if (!tuner_.is_automatic()) return;
  const double now = options_.clock();
  if (!tuner_.is_due(now)) return;
  const ReadingWork work = read_ahead_.work();
  const auto choice = tuner_.consider({now, waited_seconds_, given_, work.busy.sum(), work.cpu_seconds, work.samples});
  if (!choice) return;
  thread_choice_ = choice;
  read_ahead_.set_threads(choice->threads);
}

}  // namespace trainhost
