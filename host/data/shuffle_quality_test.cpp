// How near the order by blocks comes to a full shuffle, on the worst data for it: shards that each hold one class only.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <random>

#include <trainhost/format.hpp>

#include "data/sampler.h"

using namespace trainhost;

BOOST_AUTO_TEST_SUITE(shuffle_quality_test)

namespace {

constexpr uint64_t kShards = 200, kShardSamples = 1000, kSamples = kShards * kShardSamples, kClasses = 10, kBatch = 256;

// Shards 0 to 19 hold class 0, 20 to 39 class 1, and so on.
uint64_t class_of(uint64_t id) { return id / kShardSamples * kClasses / kShards; }

std::vector<uint64_t> order_of(uint64_t seed, uint64_t shuffle_blocks, uint64_t min_group_samples) {
  std::vector<uint64_t> starts;
  for (uint64_t shard = 0; shard < kShards; ++shard) starts.push_back(shard * kShardSamples);
  Sampler sampler(kSamples, starts, {.seed = seed, .shuffle_blocks = shuffle_blocks, .min_group_samples = min_group_samples});
  std::vector<uint64_t> order(kSamples);
  for (uint64_t position = 0; position < kSamples; ++position) order[position] = sampler.id_at(0, position);
  return order;
}

std::vector<uint64_t> full_shuffle(uint64_t seed) {
  std::vector<uint64_t> order(kSamples);
  std::iota(order.begin(), order.end(), uint64_t{0});
  std::shuffle(order.begin(), order.end(), std::mt19937_64(seed));
  return order;
}

struct Quality {
  double chi_square = 0;  // of the classes of a batch against equal shares, mean over all batches; a full shuffle has 9, its degrees of freedom
  double adjacency = 0;   // share of neighbours in the order that are neighbours in a shard
  double reach = 0;       // mean distance in positions of two neighbours in a shard, of that in a full shuffle
};

Quality quality_of(const std::vector<uint64_t>& order) {
  Quality quality;
  const double expected = static_cast<double>(kBatch) / kClasses;
  for (size_t batch = 0; batch < kSamples / kBatch; ++batch) {
    std::array<double, kClasses> counts{};
    for (size_t i = 0; i < kBatch; ++i) ++counts[class_of(order[batch * kBatch + i])];
    for (const double count : counts) quality.chi_square += (count - expected) * (count - expected) / expected;
  }
  quality.chi_square /= static_cast<double>(kSamples / kBatch);

  std::vector<uint64_t> position_of(kSamples);
  for (uint64_t position = 0; position < kSamples; ++position) position_of[order[position]] = position;
  double distance = 0, adjacent = 0;
  for (uint64_t id = 0; id + 1 < kSamples; ++id) {
    const double apart = std::abs(static_cast<double>(position_of[id + 1]) - static_cast<double>(position_of[id]));
    distance += apart;
    adjacent += apart == 1;
  }
  quality.adjacency = adjacent / static_cast<double>(kSamples);
  quality.reach = distance / static_cast<double>(kSamples) / (static_cast<double>(kSamples) / 3);
  return quality;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_figures_of_a_full_shuffle_are_those_of_theory) {
  const Quality full = quality_of(full_shuffle(1));
  BOOST_TEST(std::abs(full.chi_square - 9) < 0.6);  // 781 batches: the mean's standard deviation is 0.15
  BOOST_TEST(full.adjacency < 5 * 2.0 / kSamples);  // two positions of all are neighbours of one
  BOOST_TEST(std::abs(full.reach - 1) < 0.01);
}

BOOST_AUTO_TEST_CASE(neighbours_in_a_shard_are_apart_as_in_a_full_shuffle) {
  for (const uint64_t seed : {1u, 2u, 3u}) {
    // Two of a group of 66 shards are neighbours by chance.
    BOOST_TEST(quality_of(order_of(seed, 16, 65536)).adjacency < 2 * 2.0 / 65536);
    BOOST_TEST(quality_of(order_of(seed, 16, 1)).adjacency < 2 * 2.0 / 16000);
  }
}

// Groups of 66 shards of 200: their classes are those of a draw of 66 shards without replacement, so that a batch is less even than one of a full shuffle.
BOOST_AUTO_TEST_CASE(batches_of_sorted_shards_are_nearly_even) {
  double by_default = 0, by_sixteen = 0, unshuffled = 0;
  for (const uint64_t seed : {1u, 2u, 3u}) {
    by_default += quality_of(order_of(seed, 16, 65536)).chi_square / 3;
    by_sixteen += quality_of(order_of(seed, 16, 1)).chi_square / 3;
  }
  std::vector<uint64_t> in_order(kSamples);
  std::iota(in_order.begin(), in_order.end(), uint64_t{0});
  unshuffled = quality_of(in_order).chi_square;
  BOOST_TEST_MESSAGE(format("chi-square of a batch: full shuffle 9, default {:.1f}, 16 shards {:.1f}, in order {:.0f}", by_default, by_sixteen, unshuffled));
  // Variance of the classes of a group of m of M shards: 256 / m * (M - m) / (M - 1) beside 9 of the batch itself, times 9.
  const auto theory = [](double m) { return 9 * (1 + (kBatch - 1) / m * (kShards - m) / (kShards - 1)); };
  BOOST_TEST(by_default < 1.5 * theory(66));
  BOOST_TEST(by_sixteen < 1.5 * theory(16));
  BOOST_TEST(by_sixteen > 2 * by_default);
  BOOST_TEST(unshuffled > 10 * by_sixteen);
}

BOOST_AUTO_TEST_CASE(all_shards_in_one_group_are_a_full_shuffle) {
  const Quality whole = quality_of(order_of(1, kShards, 1));
  BOOST_TEST(std::abs(whole.chi_square - 9) < 0.6);
  BOOST_TEST(std::abs(whole.reach - 1) < 0.01);
}

BOOST_AUTO_TEST_SUITE_END()
