// The rules of order alone: what is sent when, and what may be removed when.
#include <boost/test/unit_test.hpp>

#include "backlog.h"
#include "names.h"

using namespace mirrorckpt;

namespace {

const Clock::time_point kNow = Clock::now();

Listing listing(std::initializer_list<const char*> keys) {
  Listing out;
  for (const char* key : keys) out.push_back({key, 10, 0});
  return out;
}

/// Does everything there is to do; what was done, in order.
std::vector<std::string> drain(Backlog& backlog) {
  std::vector<std::string> done;
  while (auto work = backlog.next()) {
    const bool is_send = work->kind == Work::Kind::kSend;
    is_send ? backlog.sent(work->item) : backlog.removed_far(work->item.key);
    done.push_back((is_send ? "+" : "-") + work->item.key);
  }
  return done;
}

void remove(Backlog& backlog, std::initializer_list<const char*> keys) {
  for (const char* key : keys)
    if (!backlog.put_off_remove(key)) backlog.end_remove(key);
}

using Done = std::vector<std::string>;

struct Known : Backlog {
  explicit Known(const Listing& near = {}, const Listing& far = {}) {
    begin(near);
    learn_far(near, far, kNow);
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(mirrorckpt_backlog_test)

BOOST_AUTO_TEST_CASE(folders_and_records_are_known_by_their_names) {
  BOOST_TEST(folder_of("a/b/c") == "a/b");
  BOOST_TEST(folder_of("abc") == "");
  BOOST_TEST(name_of("a/commit") == "commit");
  BOOST_TEST(is_commit("a/commit"));
  for (const char* key : {"commit", "a/commit2", "commit/a", "a/xcommit"}) BOOST_TEST(!is_commit(key), key);
  BOOST_TEST((record_rank("a/weights") == 0 && record_rank("a/commit") < record_rank("a/verified") && record_rank("a/verified") < record_rank("a/good")));
}

BOOST_AUTO_TEST_CASE(a_folder_goes_files_first_then_its_commit_then_its_marks) {
  Known backlog;
  backlog.commit("s1", listing({"s1/commit", "s1/manifest.json", "s1/weights"}), kNow);
  backlog.add_record("s1/verified", 10, kNow);
  BOOST_TEST((drain(backlog) == Done{"+s1/manifest.json", "+s1/weights", "+s1/commit", "+s1/verified"}));
  BOOST_TEST(!backlog.has_work());
}

BOOST_AUTO_TEST_CASE(after_a_restart_the_lists_tell_what_is_missing) {
  Listing near = listing({"s1/commit", "s1/good", "s1/verified", "s1/weights", "s2/weights", "s3/commit", "s3/weights", "attempts/1"});
  near[0].modified_unix_ms = 2, near[5].modified_unix_ms = 1;
  Known backlog(near, listing({"s1/weights", "old/weights"}));
  BOOST_TEST((drain(backlog) == Done{"+s3/weights", "+s3/commit", "+s1/commit", "+s1/verified", "+s1/good"}));
}

BOOST_AUTO_TEST_CASE(while_the_far_place_is_not_known_nothing_is_lost) {
  Backlog backlog;
  backlog.begin({});
  backlog.add_record("attempts/1", 10, kNow);
  backlog.commit("s1", listing({"s1/commit", "s1/weights"}), kNow);
  BOOST_TEST(backlog.has_work());
  backlog.learn_far(listing({"attempts/1", "s1/commit", "s1/weights"}), listing({"s1/weights"}), kNow);
  BOOST_TEST((drain(backlog) == Done{"+s1/commit", "+attempts/1"}));
}

BOOST_AUTO_TEST_CASE(an_object_of_another_size_is_told_and_left_alone) {
  Backlog backlog;
  Listing far = listing({"s1/weights"});
  far[0].size = 11;
  BOOST_TEST((backlog.learn_far(listing({"s1/commit", "s1/weights"}), far, kNow) == Done{"s1/weights"}));
  BOOST_TEST((drain(backlog) == Done{"+s1/commit"}));
}

BOOST_AUTO_TEST_CASE(nothing_goes_far_before_a_later_checkpoint_is_whole_there) {
  Known backlog(listing({"s1/commit", "s1/weights"}), listing({"s1/commit", "s1/weights"}));
  backlog.commit("s2", listing({"s2/commit", "s2/weights"}), kNow);
  remove(backlog, {"s1/commit", "s1/weights"});
  BOOST_TEST(backlog.is_hidden("s1/commit"));
  BOOST_TEST((drain(backlog) == Done{"+s2/weights", "+s2/commit", "-s1/commit", "-s1/weights"}));
  BOOST_TEST(!backlog.is_hidden("s1/commit"));
}

BOOST_AUTO_TEST_CASE(what_the_far_place_holds_at_the_start_is_a_successor_too) {
  // By the far place's times s2 came after s1, by their names it did not.
  Listing far = listing({"s2/commit", "s2/weights", "z1/commit", "z1/weights"}), near = far;
  far[0].modified_unix_ms = 20, far[2].modified_unix_ms = 10;
  {
    Known backlog(near, far);
    remove(backlog, {"z1/commit", "z1/weights"});
    BOOST_TEST((drain(backlog) == Done{"-z1/commit", "-z1/weights"}));
  }
  {
    Known backlog(near, far);
    remove(backlog, {"s2/commit", "s2/weights"});
    BOOST_TEST((drain(backlog) == Done{}));  // z1 is older
  }
  {
    Known only_far({}, far);
    remove(only_far, {"z1/commit", "z1/weights"});
    BOOST_TEST((drain(only_far) == Done{"-z1/commit", "-z1/weights"}));
  }
  // Where the far place counts in seconds the near one's times decide.
  far[0].modified_unix_ms = far[2].modified_unix_ms = 1000;
  near[0].modified_unix_ms = 1020, near[2].modified_unix_ms = 1010;
  Known backlog(near, far);
  remove(backlog, {"s2/commit", "z1/commit"});
  BOOST_TEST((drain(backlog) == Done{"-s2/commit", "-z1/commit"}));  // nothing is left to wait for
}

BOOST_AUTO_TEST_CASE(a_checkpoint_that_is_not_whole_far_is_no_successor) {
  Listing near = listing({"s1/commit", "s1/weights", "s2/commit", "s2/weights"});
  near[2].modified_unix_ms = 1;
  Known backlog(near, listing({"s1/commit", "s1/weights", "s2/weights"}));
  remove(backlog, {"s1/commit", "s1/weights"});
  BOOST_TEST(!backlog.may_remove_far());
  BOOST_TEST((drain(backlog) == Done{"+s2/commit", "-s1/commit", "-s1/weights"}));
}

BOOST_AUTO_TEST_CASE(removals_count_once_the_far_place_is_known) {
  Backlog backlog;
  const Listing near = listing({"s1/commit", "s2/commit"});
  Listing far = near;
  far[1].modified_unix_ms = 1;
  backlog.begin(near);
  remove(backlog, {"s1/commit"});
  BOOST_TEST(!backlog.may_remove_far());
  BOOST_TEST(backlog.num_removals() == 1u);
  backlog.learn_far(listing({"s2/commit"}), far, kNow);
  BOOST_TEST((drain(backlog) == Done{"-s1/commit"}));
  BOOST_TEST(backlog.num_removals() == 0u);
}

BOOST_AUTO_TEST_CASE(an_older_checkpoint_that_arrives_is_no_successor) {
  Known backlog;
  backlog.commit("best", listing({"best/commit"}), kNow);
  backlog.commit("s1", listing({"s1/commit"}), kNow);
  drain(backlog);
  remove(backlog, {"s1/commit"});
  BOOST_TEST((drain(backlog) == Done{}));
  BOOST_TEST(!backlog.has_work());
  backlog.commit("s2", listing({"s2/commit"}), kNow);
  BOOST_TEST((drain(backlog) == Done{"+s2/commit", "-s1/commit"}));
}

BOOST_AUTO_TEST_CASE(a_place_that_is_emptied_waits_for_no_successor) {
  Known backlog;
  backlog.commit("s1", listing({"s1/commit", "s1/weights"}), kNow);
  drain(backlog);
  remove(backlog, {"s1/commit", "s1/weights"});
  BOOST_TEST((drain(backlog) == Done{"-s1/commit", "-s1/weights"}));
}

BOOST_AUTO_TEST_CASE(what_is_removed_before_its_turn_is_not_sent) {
  Known backlog;
  backlog.commit("s1", listing({"s1/commit", "s1/weights"}), kNow);
  backlog.commit("s2", listing({"s2/commit", "s2/weights"}), kNow);
  remove(backlog, {"s1/commit", "s1/weights"});
  BOOST_TEST((drain(backlog) == Done{"+s2/weights", "+s2/commit"}));
}

BOOST_AUTO_TEST_CASE(a_folder_in_work_stays_near_and_is_sent_to_its_end) {
  Known backlog;
  backlog.commit("s1", listing({"s1/commit", "s1/weights"}), kNow);
  backlog.commit("s2", listing({"s2/commit"}), kNow);
  const auto first = backlog.next();
  BOOST_TEST((first && first->item.key == "s1/weights"));
  BOOST_TEST(backlog.put_off_remove("s1/commit"));
  BOOST_TEST(backlog.put_off_remove("s1/weights"));
  BOOST_TEST(!backlog.put_off_remove("s2/other"));
  BOOST_TEST(backlog.take_near_removals().empty());
  backlog.sent(first->item);
  backlog.sent(backlog.next()->item);
  BOOST_TEST((backlog.take_near_removals() == Done{"s1/commit", "s1/weights"}));
  BOOST_TEST((drain(backlog) == Done{"+s2/commit", "-s1/commit", "-s1/weights"}));
}

BOOST_AUTO_TEST_CASE(both_places_are_listed_as_one) {
  Known backlog(listing({"b"}), listing({"a", "b", "c", "d/x"}));
  backlog.end_remove("c");
  std::string keys;
  for (const auto& object : backlog.merge("", listing({"aa", "b", "c"}))) keys += object.key + " ";
  BOOST_TEST(keys == "a aa b d/x ");
  keys.clear();
  for (const auto& object : backlog.merge("d/", {})) keys += object.key;
  BOOST_TEST(keys == "d/x");
}

BOOST_AUTO_TEST_CASE(the_lag_counts_what_waits) {
  Known backlog;
  backlog.commit("s1", listing({"s1/commit", "s1/weights"}), kNow);
  backlog.add_record("attempts/1", 5, kNow + std::chrono::seconds(3));
  const Lag lag = backlog.lag(kNow + std::chrono::seconds(4));
  BOOST_TEST((lag.objects == 3 && lag.bytes == 25 && lag.seconds == 4));
  BOOST_TEST((lag.checkpoints == Done{"s1"}));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_near_is_given_up_as_a_whole) {
  Known backlog;
  backlog.commit("s1", listing({"s1/commit", "s1/weights"}), kNow);
  backlog.commit("s2", listing({"s2/commit"}), kNow);
  backlog.next();
  BOOST_TEST(backlog.drop_folder("s1") == 2u);
  BOOST_TEST((drain(backlog) == Done{"+s2/commit"}));
}

BOOST_AUTO_TEST_SUITE_END()
