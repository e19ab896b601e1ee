// The order of samples: a pure function of (seed, epoch, position), cut along the source's blocks so that shards are read nearly in sequence.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace trainhost {

/// The random key of one sample in one epoch: the only randomness that a source may use. Pure; the same on every machine.
uint64_t sample_key(uint64_t seed, uint64_t epoch, uint64_t id);

struct SamplerOptions {
  uint64_t seed = 0;
  bool shuffle = true;
  uint64_t shuffle_blocks = 16;            // blocks whose samples are mixed with each other
  uint64_t min_group_samples = 65536;      // small blocks: more of them are mixed until a group has this many samples
  uint64_t virtual_block_samples = 65536;  // larger blocks are cut into pieces of this size
};

/// Each epoch is a permutation of 0 .. num_samples - 1, made in two steps:
///   1. the blocks are put in an order drawn from (seed, epoch);
///   2. consecutive blocks form groups (at least shuffle_blocks blocks and min_group_samples samples, the last group may be smaller), and the samples of
///      a group are shuffled with each other, drawn from (seed, epoch, group).
/// Both steps are Fisher-Yates over splitmix64, so the order is the same on every machine; a test holds golden values.
/// Memory: one number a block and one a sample of a single group. Any position can be asked for; neighbours are cheap. Not thread-safe.
class Sampler {
 public:
  /// `block_starts`: ascending first ids, the first is 0; empty = one block. num_samples > 0.
  Sampler(uint64_t num_samples, std::span<const uint64_t> block_starts, const SamplerOptions& options);

  /// The id at `position` of `epoch`; position < num_samples().
  uint64_t id_at(uint64_t epoch, uint64_t position);
  uint64_t num_samples() const { return num_samples_; }

 private:
  struct Group {
    uint64_t first_position, first_block, num_blocks;  // blocks: indices into block_order_
  };

  void cut_blocks(std::span<const uint64_t> block_starts);
  void plan_epoch(uint64_t epoch);
  void load_group(uint64_t group_index);
  uint64_t block_size(uint64_t block) const { return block_starts_[block + 1] - block_starts_[block]; }

  uint64_t num_samples_;
  SamplerOptions options_;
  std::vector<uint64_t> block_starts_;  // num_samples_ stands at the end

  static constexpr uint64_t kNone = ~uint64_t{0};
  uint64_t epoch_ = kNone, group_index_ = kNone;  // what is loaded
  std::vector<uint64_t> block_order_;
  std::vector<Group> groups_;
  std::vector<uint64_t> group_ids_;
};

}  // namespace trainhost
