// Two Fisher-Yates shuffles over counter-based random numbers.
#include "data/sampler.h"

#include <algorithm>
#include <cassert>
#include <numeric>

namespace trainhost {
namespace {

__extension__ typedef unsigned __int128 uint128;

// Each use of the seed draws from a stream of its own.
enum class Purpose : uint64_t { kBlockOrder = 1, kGroupOrder = 2, kSampleKey = 3 };

// The output function of splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014).
uint64_t mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

uint64_t stream_key(Purpose purpose, uint64_t seed, uint64_t epoch, uint64_t index) {
  uint64_t key = mix(static_cast<uint64_t>(purpose));
  for (const uint64_t part : {seed, epoch, index}) key = mix(key ^ mix(part));
  return key;
}

// Fisher-Yates; the multiply-high draw is biased by less than size / 2^64.
void shuffle(std::vector<uint64_t>& values, uint64_t key) {
  for (uint64_t last = values.size(); last > 1; --last) {
    const auto pick = static_cast<uint64_t>((static_cast<uint128>(mix(key + last)) * last) >> 64);
    std::swap(values[last - 1], values[pick]);
  }
}

}  // namespace

uint64_t sample_key(uint64_t seed, uint64_t epoch, uint64_t id) { return stream_key(Purpose::kSampleKey, seed, epoch, id); }

Sampler::Sampler(uint64_t num_samples, std::span<const uint64_t> block_starts, const SamplerOptions& options) : num_samples_(num_samples), options_(options) {
  assert(num_samples > 0 && options.shuffle_blocks > 0 && options.virtual_block_samples > 0);
  if (options_.shuffle) cut_blocks(block_starts);
}

uint64_t Sampler::id_at(uint64_t epoch, uint64_t position) {
  assert(position < num_samples_);
  if (!options_.shuffle) return position;
  if (epoch != epoch_) plan_epoch(epoch);
  const bool is_loaded = group_index_ != kNone && position - groups_[group_index_].first_position < group_ids_.size();
  if (!is_loaded) {
    const auto behind =
        std::upper_bound(groups_.begin(), groups_.end(), position, [](uint64_t wanted, const Group& group) { return wanted < group.first_position; });
    load_group(static_cast<uint64_t>(behind - groups_.begin()) - 1);
  }
  return group_ids_[position - groups_[group_index_].first_position];
}

void Sampler::cut_blocks(std::span<const uint64_t> block_starts) {
  const uint64_t num_blocks = std::max<uint64_t>(block_starts.size(), 1);
  for (uint64_t block = 0; block < num_blocks; ++block) {
    const uint64_t begin = block_starts.empty() ? 0 : block_starts[block];
    const uint64_t end = block + 1 < num_blocks ? block_starts[block + 1] : num_samples_;
    for (uint64_t start = begin; start < end; start += options_.virtual_block_samples) block_starts_.push_back(start);
  }
  block_starts_.push_back(num_samples_);
}

void Sampler::plan_epoch(uint64_t epoch) {
  epoch_ = epoch;
  group_index_ = kNone;
  block_order_.resize(block_starts_.size() - 1);
  std::iota(block_order_.begin(), block_order_.end(), uint64_t{0});
  shuffle(block_order_, stream_key(Purpose::kBlockOrder, options_.seed, epoch, 0));

  groups_.clear();
  uint64_t position = 0;
  for (uint64_t block = 0; block < block_order_.size(); ++block) {
    const bool is_full =
        groups_.empty() || (groups_.back().num_blocks >= options_.shuffle_blocks && position - groups_.back().first_position >= options_.min_group_samples);
    if (is_full) groups_.push_back({position, block, 0});
    ++groups_.back().num_blocks;
    position += block_size(block_order_[block]);
  }
}

void Sampler::load_group(uint64_t group_index) {
  const Group& group = groups_[group_index];
  group_ids_.clear();
  for (uint64_t i = 0; i < group.num_blocks; ++i) {
    const uint64_t block = block_order_[group.first_block + i];
    for (uint64_t id = block_starts_[block]; id < block_starts_[block + 1]; ++id) group_ids_.push_back(id);
  }
  shuffle(group_ids_, stream_key(Purpose::kGroupOrder, options_.seed, epoch_, group_index));
  group_index_ = group_index;
}

}  // namespace trainhost
