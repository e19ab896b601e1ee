// Position -> part and count of its turn -> epoch and position of the part -> id.
#include "data/sample_order.h"

#include <string_view>

namespace trainhost {
namespace {

// FNV-1a: parts of one seed draw from streams of their own, which the names of the others do not change.
uint64_t part_seed(uint64_t seed, std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return sample_key(seed, hash, 0);
}

}  // namespace

SampleOrder::SampleOrder(const SampleSource& source, const SamplerOptions& options) : epoch_samples_(source.info().num_samples) {
  const std::vector<MixturePart> parts = source.parts();
  if (parts.empty()) {
    parts_.push_back({0, options.seed, Sampler(epoch_samples_, source.info().block_starts, options)});
    return;
  }
  std::vector<double> weights;
  for (const MixturePart& part : parts) {
    SamplerOptions own = options;
    own.seed = part_seed(options.seed, part.name);
    parts_.push_back({part.first_id, own.seed, Sampler(part.num_samples, part.block_starts, own)});
    weights.push_back(part.weight);
  }
  schedule_.emplace(weights);
}

SampleOrder::Drawn SampleOrder::at(uint64_t epoch, uint64_t position) {
  size_t index = 0;
  if (schedule_) {
    const CreditSchedule::Turn turn = schedule_->at(epoch * epoch_samples_ + position);
    index = turn.part;
    epoch = turn.count / parts_[index].sampler.num_samples();
    position = turn.count % parts_[index].sampler.num_samples();
  }
  Part& part = parts_[index];
  const uint64_t id = part.sampler.id_at(epoch, position);
  return {part.first_id + id, sample_key(part.seed, epoch, id)};
}

std::vector<uint64_t> SampleOrder::part_samples_before(uint64_t epoch, uint64_t position) const {
  return schedule_ ? schedule_->counts_before(epoch * epoch_samples_ + position) : std::vector<uint64_t>{};
}

}  // namespace trainhost
