// The order of samples is a permutation, is local to blocks, can be entered anywhere, and never changes unnoticed.
#include "data/sampler.h"

#include <rapidcheck.h>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <numeric>
#include <set>

using namespace trainhost;

BOOST_AUTO_TEST_SUITE(sampler_test)

namespace {

std::vector<uint64_t> whole_epoch(Sampler& sampler, uint64_t epoch) {
  std::vector<uint64_t> ids(sampler.num_samples());
  for (uint64_t position = 0; position < ids.size(); ++position) ids[position] = sampler.id_at(epoch, position);
  return ids;
}

std::vector<uint64_t> starts_of(const std::vector<uint64_t>& sizes) {
  std::vector<uint64_t> starts(sizes.size());
  std::exclusive_scan(sizes.begin(), sizes.end(), starts.begin(), uint64_t{0});
  return starts;
}

}  // namespace

// The expected values were computed by a separate program from the description in sampler.h. A change here breaks every resume.
BOOST_AUTO_TEST_CASE(order_is_the_recorded_one) {
  Sampler one_block(12, {}, {.seed = 7});
  const std::vector<uint64_t> first{9, 1, 8, 3, 5, 4, 6, 10, 7, 2, 0, 11}, second{4, 2, 6, 9, 7, 11, 5, 10, 0, 8, 1, 3};
  BOOST_TEST(whole_epoch(one_block, 0) == first, boost::test_tools::per_element());
  BOOST_TEST(whole_epoch(one_block, 1) == second, boost::test_tools::per_element());

  const std::vector<uint64_t> starts{0, 5, 6, 12};
  Sampler blocks(20, starts, {.seed = 42, .shuffle_blocks = 2, .min_group_samples = 1, .virtual_block_samples = 4});
  const std::vector<uint64_t> third{7, 12, 13, 6, 14, 9, 8, 15, 4, 18, 16, 19, 17, 0, 3, 1, 2, 5, 10, 11};
  BOOST_TEST(whole_epoch(blocks, 3) == third, boost::test_tools::per_element());

  Sampler large(1000003, {}, {.seed = 1, .shuffle_blocks = 4, .min_group_samples = 1});
  BOOST_TEST(large.id_at(2, 0) == 925761u);
  BOOST_TEST(large.id_at(2, 3) == 338670u);
  BOOST_TEST(large.id_at(2, 500002) == 206614u);
}

BOOST_AUTO_TEST_CASE(random_keys_are_the_recorded_ones) {
  BOOST_TEST(sample_key(42, 0, 0) == 0x58d0fcf3b95d46bbu);
  BOOST_TEST(sample_key(42, 0, 1) == 0xa299867035335facu);
  BOOST_TEST(sample_key(42, 1, 0) == 0xbaa24d8132d0c406u);
  BOOST_TEST(sample_key(42, 5, 123456789012u) == 0x62c4c764dd43d44cu);
}

BOOST_AUTO_TEST_CASE(every_epoch_is_a_permutation) {
  BOOST_TEST(rc::check("permutation", [] {
    const auto sizes = *rc::gen::nonEmpty(rc::gen::container<std::vector<uint64_t>>(rc::gen::inRange<uint64_t>(1, 60)));
    const uint64_t num_samples = std::accumulate(sizes.begin(), sizes.end(), uint64_t{0});
    const SamplerOptions options{.seed = *rc::gen::arbitrary<uint64_t>(),
                                 .shuffle_blocks = *rc::gen::inRange<uint64_t>(1, 5),
                                 .min_group_samples = *rc::gen::inRange<uint64_t>(1, 100),
                                 .virtual_block_samples = *rc::gen::inRange<uint64_t>(1, 30)};
    Sampler sampler(num_samples, starts_of(sizes), options);
    auto ids = whole_epoch(sampler, *rc::gen::inRange<uint64_t>(0, 4));
    std::sort(ids.begin(), ids.end());
    for (uint64_t i = 0; i < num_samples; ++i) RC_ASSERT(ids[i] == i);
  }));
}

BOOST_AUTO_TEST_CASE(any_position_can_be_entered_directly) {
  const std::vector<uint64_t> starts{0, 100, 130, 200, 450};
  const SamplerOptions options{.seed = 3, .shuffle_blocks = 2, .min_group_samples = 1, .virtual_block_samples = 64};
  Sampler straight(500, starts, options);
  const auto ids = whole_epoch(straight, 1);
  BOOST_TEST(rc::check("random access", [&] {
    const auto position = *rc::gen::inRange<uint64_t>(0, 500);
    Sampler fresh(500, starts, options);
    RC_ASSERT(fresh.id_at(1, position) == ids[position]);
    fresh.id_at(*rc::gen::inRange<uint64_t>(0, 9), *rc::gen::inRange<uint64_t>(0, 500));
    RC_ASSERT(fresh.id_at(1, position) == ids[position]);
  }));
}

BOOST_AUTO_TEST_CASE(a_group_reads_from_no_more_blocks_than_asked) {
  const std::vector<uint64_t> starts = starts_of(std::vector<uint64_t>(40, 25));
  Sampler sampler(1000, starts, {.seed = 5, .shuffle_blocks = 4, .min_group_samples = 100});
  const auto ids = whole_epoch(sampler, 0);
  for (size_t group = 0; group < 10; ++group) {
    std::set<uint64_t> blocks;
    for (size_t i = 0; i < 100; ++i) blocks.insert(ids[group * 100 + i] / 25);
    BOOST_TEST(blocks.size() == 4u);
  }
}

BOOST_AUTO_TEST_CASE(small_blocks_are_gathered_until_a_group_is_large) {
  const std::vector<uint64_t> starts = starts_of(std::vector<uint64_t>(1000, 1));
  Sampler sampler(1000, starts, {.seed = 5, .shuffle_blocks = 2, .min_group_samples = 1000});
  const auto ids = whole_epoch(sampler, 0);
  BOOST_TEST(std::is_permutation(ids.begin(), ids.end(), starts.begin()));
  BOOST_TEST(!std::is_sorted(ids.begin(), ids.end()));
}

BOOST_AUTO_TEST_CASE(seeds_and_epochs_give_orders_of_their_own) {
  Sampler sampler(300, {}, {.seed = 1}), other(300, {}, {.seed = 2});
  BOOST_TEST((whole_epoch(sampler, 0) != whole_epoch(sampler, 1)));
  BOOST_TEST((whole_epoch(sampler, 0) != whole_epoch(other, 0)));
  BOOST_TEST((whole_epoch(sampler, 1) != whole_epoch(other, 0)));
}

// 16 cells, 20,000 epochs: chi-square with 15 degrees of freedom stays under 45 with a probability of 0.99993; the seed is fixed.
BOOST_AUTO_TEST_CASE(every_place_is_equally_likely) {
  uint64_t counts[16] = {};
  Sampler sampler(16, {}, {.seed = 11});
  for (uint64_t epoch = 0; epoch < 20000; ++epoch) ++counts[sampler.id_at(epoch, 3)];
  double chi_square = 0;
  for (const uint64_t count : counts) chi_square += (static_cast<double>(count) - 1250) * (static_cast<double>(count) - 1250) / 1250;
  BOOST_TEST(chi_square < 45);
}

BOOST_AUTO_TEST_CASE(without_shuffling_ids_come_in_order) {
  Sampler sampler(5, {}, {.shuffle = false});
  const std::vector<uint64_t> expected{0, 1, 2, 3, 4};
  BOOST_TEST(whole_epoch(sampler, 9) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
