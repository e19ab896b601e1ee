// Subsets against plain lists, and the laws of a split.
#include "files/selection.h"

#include <boost/test/unit_test.hpp>

#include <rapidcheck.h>

#include <trainhost/testing.hpp>

#include "files/row_split.h"

using namespace trainhost;

namespace {

void compare(uint64_t count, uint64_t modulus, uint64_t seed) {
  std::vector<uint64_t> taken;
  const auto take = [&](uint64_t number) { return stable_hash("x", number + seed) % modulus == 0; };
  const Selection selection(count, take);
  for (uint64_t number = 0; number < count; ++number) {
    RC_ASSERT(selection.below(number) == taken.size());
    if (take(number)) taken.push_back(number);
  }
  RC_ASSERT(selection.below(count) == taken.size());
  RC_ASSERT(selection.size() == taken.size());
  for (uint64_t id = 0; id < taken.size(); ++id) RC_ASSERT(selection.at(id) == taken[id]);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(selection_test)

BOOST_AUTO_TEST_CASE(a_selection_numbers_what_was_taken) {
  const bool is_right = rc::check([] { compare(*rc::gen::inRange<uint64_t>(0, 5000), *rc::gen::inRange<uint64_t>(1, 2000), *rc::gen::arbitrary<uint16_t>()); });
  BOOST_TEST(is_right);
}

BOOST_AUTO_TEST_CASE(everything_is_everything) {
  const Selection all(1000);
  BOOST_TEST(all.size() == 1000u);
  BOOST_TEST(all.at(999) == 999u);
  BOOST_TEST(all.below(1000) == 1000u);
}

BOOST_AUTO_TEST_CASE(blocks_without_samples_are_left_out) {
  const Selection selection(100, [](uint64_t number) { return (number >= 10 && number < 20) || number == 50; });
  const std::vector<uint64_t> starts{0, 5, 15, 20, 40, 60}, expected{0, 5, 10};
  BOOST_TEST(block_starts(selection, starts) == expected, boost::test_tools::per_element());
  BOOST_TEST(block_starts(Selection(100), starts) == starts, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(train_and_heldout_are_disjoint_and_make_the_whole) {
  const Split train("train", 0.3), heldout("heldout", 0.3), all("all", 0.3);
  uint64_t held = 0;
  for (uint64_t i = 0; i < 10000; ++i) {
    const uint64_t hash = stable_hash("shard-000.tar", i);
    BOOST_TEST(train.takes(hash) != heldout.takes(hash));
    BOOST_TEST(all.takes(hash));
    held += heldout.takes(hash);
  }
  BOOST_TEST(held > 2850u);  // 3000, and three standard deviations of 46
  BOOST_TEST(held < 3150u);
}

BOOST_AUTO_TEST_CASE(the_ends_take_all_or_none) {
  BOOST_TEST(Split("train", 0).takes_all());
  BOOST_TEST(Split("heldout", 1).takes_all());
  BOOST_TEST(Split("all", 0.5).takes_all());
  BOOST_TEST(!Split("train", 1).takes(0));
  BOOST_TEST(!Split("train", 0.5).takes_all());
  BOOST_TEST(!Split("heldout", 0).takes(0));
  BOOST_TEST(testing::status_of([] { Split("test", 0.5); }) == TRAINHOST_INVALID_ARGUMENT);
}

BOOST_AUTO_TEST_CASE(rows_of_several_files_go_by_the_name_of_their_file_and_their_number_in_it) {
  const std::vector<std::string> names{"a", "b", "c"}, alone{"b"};
  const std::vector<uint64_t> starts{0, 100, 100, 400}, own{0, 300};  // the second file is empty
  const Split heldout("heldout", 0.3);
  const Selection rows = select_rows(heldout, names, starts, "t");
  for (uint64_t id = 0; id < rows.size(); ++id) {
    const uint64_t row = rows.at(id);
    BOOST_TEST(heldout.takes(row < 100 ? stable_hash("a", row) : stable_hash("c", row - 100)));
  }
  BOOST_TEST(rows.size() > 80u);
  BOOST_TEST(select_rows(Split("train", 0), alone, own, "t").size() == 300u);
  BOOST_TEST(testing::words_of([&] { select_rows(Split("heldout", 0), alone, own, "t"); }) ==
             "t: no samples: 300 in 1 files, split \"heldout\" with heldout_fraction 0; give more data, or another share");
}

// By an independent program; a change would move samples from training to held-out sets.
BOOST_AUTO_TEST_CASE(hashes_are_the_recorded_ones) {
  BOOST_TEST(stable_hash("") == 0xf52a15e9a9b5e89bu);
  BOOST_TEST(stable_hash("train/0.bin") == 0xb9735cc5ec7d46afu);
  BOOST_TEST(stable_hash("train/0.bin", 0) == 0x3d7ab2fef4977c6fu);
  BOOST_TEST(stable_hash("train/0.bin", 123456789012) == 0x80e482331373b79du);
}

BOOST_AUTO_TEST_SUITE_END()
