// What every set of instructions must agree on; that the numbers are Pillow's is asked in images_test.cpp.
#include "images/resize.h"

#include <boost/test/unit_test.hpp>

#include <numeric>

#include "images/keyed_random.h"

using namespace trainhost::images;

namespace {

std::vector<uint8_t> random_bytes(KeyedRandom& random, size_t count) {
  std::vector<uint8_t> out(count);
  for (uint8_t& byte : out) byte = random.below(8) == 0 ? 255 : static_cast<uint8_t>(random.next());  // the largest often, where sums are largest
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(resize_test)

BOOST_AUTO_TEST_CASE(weights_of_each_pixel_sum_up_to_one_and_stay_inside) {
  KeyedRandom random(1);
  for (int i = 0; i < 500; ++i) {
    const uint32_t size = 1 + random.below(400), full = 1 + random.below(400), first = random.below(full), reduction = 1u << random.below(4);
    const AxisPlan plan{random.below(50), size, full, first, 1 + random.below(full - first)};
    const Weights weights = bilinear_weights(plan, reduction);
    BOOST_REQUIRE(weights.read_begin >= plan.begin / reduction);
    BOOST_REQUIRE(weights.read_begin + weights.read_count <= (plan.begin + plan.size + reduction - 1) / reduction);
    for (size_t x = 0; x < plan.count; ++x) {
      const auto begin = weights.values.begin() + static_cast<long>(x * weights.taps);
      const int32_t sum = std::accumulate(begin, begin + weights.taps, 0);
      BOOST_REQUIRE(std::abs(sum - (1 << kFractionBits)) <= static_cast<int32_t>(weights.taps));
      BOOST_REQUIRE(weights.first[x] + weights.taps <= weights.read_count);
    }
  }
}

BOOST_AUTO_TEST_CASE(all_instructions_give_the_same_bytes) {
  const ResizeLoops &plain = plain_loops(), &best = best_loops();
  if (&plain == &best) return;
  KeyedRandom random(2);
  for (int i = 0; i < 300; ++i) {
    const uint32_t size = 1 + random.below(300), full = 1 + random.below(300);
    const Weights weights = bilinear_weights({0, size, full, 0, full}, 1);
    const std::vector<uint8_t> source = random_bytes(random, size * 3 + kRowPadding);
    std::vector<uint8_t> one(full * kStoredPixel + kRowPadding), other = one;
    const auto without_fourth = [&](std::vector<uint8_t> row) {
      for (size_t x = 0; x < full; ++x) row[x * kStoredPixel + 3] = 0;
      return row;
    };
    plain.shrink_rgb(source.data(), weights.for_loops(), one.data());
    best.shrink_rgb(source.data(), weights.for_loops(), other.data());
    BOOST_TEST((without_fourth(one) == without_fourth(other)));

    const size_t bytes = 1 + random.below(300);
    const std::vector<uint8_t> all = random_bytes(random, weights.taps * (bytes + kRowPadding));
    std::vector<const uint8_t*> rows;
    for (uint32_t tap = 0; tap < weights.taps; ++tap) rows.push_back(all.data() + tap * (bytes + kRowPadding));
    std::vector<uint8_t> left(bytes + kRowPadding), right = left;
    plain.blend(rows.data(), weights.values.data(), weights.taps, bytes, left.data());
    best.blend(rows.data(), weights.values.data(), weights.taps, bytes, right.data());
    BOOST_TEST(std::equal(left.begin(), left.begin() + static_cast<long>(bytes), right.begin()));
  }
}

BOOST_AUTO_TEST_SUITE_END()
