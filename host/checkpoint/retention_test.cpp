// Which checkpoints stay and which go.
#include "checkpoint/retention.h"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <algorithm>
#include <set>

#include "checkpoint/test_store.h"

using namespace trainhost;
using namespace trainhost::testing;

BOOST_AUTO_TEST_SUITE(retention_test)

namespace {

/// "v" verified, "g" verified and good, "u" not verified; its place in the text is its id.
std::vector<CheckpointInfo> make_infos(const std::string& kinds, const std::vector<double>& losses = {}) {
  std::vector<CheckpointInfo> infos(kinds.size());
  for (size_t i = 0; i < kinds.size(); ++i) {
    infos[i].id = std::to_string(i);
    infos[i].is_verified = kinds[i] != 'u';
    infos[i].is_good = kinds[i] == 'g';
    if (i < losses.size()) infos[i].evaluation["loss"] = losses[i];
  }
  return infos;
}

/// The text with what goes as ".".
std::string kept(const std::string& kinds, uint64_t keep_last, const std::vector<double>& losses = {}) {
  StoreOptions options = small_options();
  options.keep_last = keep_last;
  if (!losses.empty()) options.best_metric = "loss";
  std::string text = kinds;
  for (const std::string& id : choose_outdated(make_infos(kinds, losses), options)) text[std::stoul(id)] = '.';
  return text;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_newest_verified_ones_stay_and_one_that_may_become_good) {
  BOOST_TEST(kept("vvvvv", 2) == "v..vv");
  BOOST_TEST(kept("v", 1) == "v");
  BOOST_TEST(kept("", 1) == "");
}

BOOST_AUTO_TEST_CASE(the_two_newest_good_ones_stay) {
  BOOST_TEST(kept("gggvvvv", 1) == ".ggv..v");
  BOOST_TEST(kept("ggggg", 1) == "...gg");
}

BOOST_AUTO_TEST_CASE(the_last_one_is_never_removed) { BOOST_TEST(kept("vv", 0) == "vv"); BOOST_TEST(kept("gv", 0) == "gv"); }

BOOST_AUTO_TEST_CASE(what_is_not_verified_goes_only_when_something_newer_is) {
  BOOST_TEST(kept("uuu", 1) == "uuu");
  BOOST_TEST(kept("vuvu", 1) == "v.vu");
}

BOOST_AUTO_TEST_CASE(the_best_stays) {
  BOOST_TEST(kept("gvvggg", 1, {9, 1, 2, 3, 4, 5}) == ".v..gg");
  BOOST_TEST(kept("gvvggg", 1, {9, 1, 1, 3, 4, 5}) == "..v.gg");
}

BOOST_AUTO_TEST_CASE(several_best_ones_stay) {
  StoreOptions options = small_options();
  options.keep_last = 1;
  options.best_metric = "loss";
  options.keep_best = 2;
  const auto infos = make_infos("ggvvvgg", {9, 1, 3, 2, 4, 5, 6});
  BOOST_TEST(choose_outdated(infos, options) == (std::vector<std::string>{"0", "2", "4"}), boost::test_tools::per_element());
  options.keep_best = 0;
  BOOST_TEST(choose_outdated(infos, options).size() == 5u);
}

BOOST_AUTO_TEST_CASE(the_first_of_every_so_many_steps_stays) {
  StoreOptions options = small_options();
  options.keep_last = 1;
  options.keep_every = 1000;
  std::vector<CheckpointInfo> infos = make_infos("vvvvvvvgg");
  const std::vector<uint64_t> steps{400, 900, 1100, 1900, 2000, 2400, 4100, 4200, 4300};
  for (size_t i = 0; i < steps.size(); ++i) infos[i].step = steps[i];
  BOOST_TEST(choose_outdated(infos, options) == (std::vector<std::string>{"0", "1", "3", "5"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_a_replaced_process_committed_keeps_nothing_else_from_staying) {
  std::vector<CheckpointInfo> infos = make_infos("ggv");
  infos[2].is_superseded = true;
  StoreOptions options = small_options();
  options.keep_last = 1;
  BOOST_TEST(choose_outdated(infos, options).empty());
}

BOOST_AUTO_TEST_CASE(the_best_may_be_the_highest) {
  const std::vector<CheckpointInfo> infos = make_infos("vvu", {1, 3, 9});
  BOOST_TEST(best_checkpoint(infos, "loss", true)->id == "1");
  BOOST_TEST(best_checkpoint(infos, "loss", false)->id == "0");
  BOOST_TEST(best_checkpoint(infos, "accuracy", true) == nullptr);
}

BOOST_AUTO_TEST_CASE(a_checkpoint_lives_long_enough_to_become_good) {
  MemoryStore objects;
  StoreOptions options = small_options();
  options.keep_last = 1;
  CheckpointStore store(objects, options);
  const std::string first = store.save(SmallState(1).snapshot()).info.id;
  for (uint64_t step = 2; step < 8; ++step) store.save(SmallState(step).snapshot());
  BOOST_TEST(store.mark_good(first));
  BOOST_TEST(store.list().size() == 2u);
  store.save(SmallState(8).snapshot());
  BOOST_TEST(store.list().front().is_good);
  BOOST_TEST(!store.mark_good("step-000000000003-a000001-n000003"));
}

BOOST_AUTO_TEST_CASE(the_store_finds_the_best_by_what_the_commit_records_say) {
  MemoryStore objects;
  StoreOptions options = small_options();
  options.keep_last = 1;
  options.best_metric = "heldout/loss";
  CheckpointStore store(objects, options);
  std::string best;
  for (uint64_t step = 1; step < 7; ++step) {
    SmallState state(step);
    state.evaluation["heldout/loss"] = step == 3 ? 1 : 2;
    const std::string id = store.save(state.snapshot()).info.id;
    if (step == 3) best = id;
  }
  BOOST_TEST_REQUIRE(store.best("heldout/loss", false).has_value());
  BOOST_TEST(store.best("heldout/loss", false)->id == best);
  BOOST_TEST(is_state(store.load(best), 3));
}

BOOST_AUTO_TEST_CASE(retention_never_takes_what_it_promises_to_keep) {
  const bool is_law = rc::check("laws of retention", [] {
    const auto kinds = *rc::gen::container<std::string>(rc::gen::element('v', 'g', 'u'));
    const auto keep_last = *rc::gen::inRange<uint64_t>(0, 4);
    const std::string left = kept(kinds, keep_last);
    const auto count = [&](char kind) { return static_cast<uint64_t>(std::count(left.begin(), left.end(), kind)); };
    const uint64_t num_verified = static_cast<uint64_t>(std::count_if(kinds.begin(), kinds.end(), [](char kind) { return kind != 'u'; }));
    const uint64_t num_good = static_cast<uint64_t>(std::count(kinds.begin(), kinds.end(), 'g'));
    RC_ASSERT(count('v') + count('g') >= std::min(num_verified, std::max<uint64_t>(1, keep_last)));
    RC_ASSERT(count('v') + count('g') <= std::max<uint64_t>(1, keep_last) + 3);
    RC_ASSERT(count('g') >= std::min<uint64_t>(num_good, 2));
    const size_t newest = kinds.find_last_of("vg");
    if (newest == std::string::npos) RC_ASSERT(left == kinds);
    else RC_ASSERT(left.substr(newest) == kinds.substr(newest));
    RC_ASSERT(kept(kinds, keep_last) == left);
  });
  BOOST_TEST(is_law);
}

BOOST_AUTO_TEST_SUITE_END()
