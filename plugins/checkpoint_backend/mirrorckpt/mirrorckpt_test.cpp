// Two places in memory as one, asked through the C ABI. Stopping the plugin waits for what is behind, so nothing here sleeps.
#include <boost/test/unit_test.hpp>

#include <future>
#include <thread>

#include <trainhost/checkpoint_copies.h>
#include <trainhost/testing/memory_backend.hpp>
#include <trainhost/testing/object_cases.hpp>

using namespace trainhost::testing;
using trainhost::format;
using trainhost::PluginError;

namespace {

using Contents = std::map<std::string, std::string, std::less<>>;

struct Places {
  MemoryPlace near, far;
  FakeHost inner_host;
  MemoryUpstream near_backend{near, inner_host.c()}, far_backend{far, inner_host.c()};

  /// The plugin over both; one after another are processes.
  std::unique_ptr<Objects> open(const std::string& more = "") {
    const std::string config = format(R"({{"retry_seconds":0.01,"report_seconds":0.001,"part_bytes":4096{}}})", more);
    return std::make_unique<Objects>(config, std::vector<trainhost_instance*>{near_backend.get(), far_backend.get()});
  }
  bool has_far(std::string_view key) { return far.snapshot().contains(key); }
};

void save(Objects& objects, const std::string& folder) {
  objects.put(folder + "/weights", pattern_bytes(20'000) + folder);
  objects.put(folder + "/manifest.json", "manifest of " + folder);
  objects.create(folder + "/commit", "commit of " + folder);
  objects.create(folder + "/verified", "verified " + folder);
}

/// As the host does: marks and records first.
void discard(Objects& objects, const std::string& folder) {
  for (const char* name : {"/verified", "/commit", "/manifest.json", "/weights"}) objects.remove(folder + name);
}

void end(std::unique_ptr<Objects>& objects) { objects->plugin().stop(); }

/// Fails every call to the place as long as `is_down`.
void fail_while(MemoryPlace& place, const std::atomic<bool>& is_down, trainhost_status status = TRAINHOST_UNAVAILABLE) {
  place.before = [&is_down, status](std::string_view, std::string_view) {
    if (is_down) throw PluginError(status, "the place is down");
  };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mirrorckpt_test)

BOOST_AUTO_TEST_CASE(it_keeps_what_every_backend_keeps) {
  Places places[4];
  keys_come_in_bytewise_order(*places[0].open());
  create_makes_once(*places[1].open());
  const auto first = places[2].open(), second = places[2].open();
  one_creator_wins(*first, *second, 10);
  keys_that_lead_elsewhere_are_refused(*places[3].open());
}

BOOST_AUTO_TEST_CASE(a_committed_checkpoint_is_in_both_places) {
  Places places;
  auto objects = places.open();
  objects->create("attempts/000001", "claim");
  save(*objects, "s1");
  end(objects);
  BOOST_TEST((places.far.snapshot() == places.near.snapshot()));
  BOOST_TEST(places.far.snapshot().size() == 5u);
  BOOST_TEST(objects->host().has_logged(TRAINHOST_LOG_INFO, "everything is in the far place too"));
}

BOOST_AUTO_TEST_CASE(what_was_never_committed_is_not_sent) {
  Places places;
  auto objects = places.open();
  objects->put("s1/weights", "half a save");
  objects->create("attempts/000001", "claim");
  end(objects);
  BOOST_TEST((places.far.snapshot() == Contents{{"attempts/000001", "claim"}}));
}

BOOST_AUTO_TEST_CASE(a_put_does_not_wait_for_the_far_place) {
  Places places;
  auto objects = places.open();
  objects->put("probe", "the far place is tried once, before anything depends on it");
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  places.far.before = [released](std::string_view, std::string_view) { released.wait(); };
  save(*objects, "s1");
  save(*objects, "s2");
  discard(*objects, "s1");
  BOOST_TEST(objects->list("s1").empty());
  BOOST_TEST(!places.has_far("s2/commit"));
  release.set_value();
  end(objects);
  BOOST_TEST(places.has_far("s2/verified"));
  BOOST_TEST(!places.has_far("s1/weights"));
}

BOOST_AUTO_TEST_CASE(a_far_place_that_goes_down_is_caught_up_with) {
  Places places;
  std::atomic<bool> is_down = false;
  fail_while(places.far, is_down);
  auto objects = places.open();
  save(*objects, "s1");
  is_down = true;
  for (const char* folder : {"s2", "s3"}) save(*objects, folder);
  BOOST_TEST(objects->get("s3/commit") == "commit of s3");
  is_down = false;
  end(objects);
  BOOST_TEST((places.far.snapshot() == places.near.snapshot()));
}

BOOST_AUTO_TEST_CASE(what_a_process_left_behind_the_next_one_sends) {
  Places places;
  std::atomic<bool> is_down = false;
  fail_while(places.far, is_down);
  {
    auto objects = places.open(R"(,"wait_at_end_seconds":0)");
    save(*objects, "s0");
    is_down = true;
    save(*objects, "s1");
    save(*objects, "s2");
    end(objects);
    BOOST_TEST(objects->host().has_logged(TRAINHOST_LOG_WARNING, "s2"));
    BOOST_TEST(objects->host().has_logged(TRAINHOST_LOG_WARNING, "not in the far place"));
  }
  BOOST_TEST(!places.has_far("s2/commit"));
  {
    auto objects = places.open(R"(,"wait_at_end_seconds":0)");  // still down
    BOOST_TEST(objects->host().has_logged(TRAINHOST_LOG_WARNING, "catches up later"));
    BOOST_TEST(objects->get("s2/commit") == "commit of s2");
  }
  is_down = false;
  auto objects = places.open();
  objects->create("attempts/000002", "claim");
  end(objects);
  BOOST_TEST((places.far.snapshot() == places.near.snapshot()));
}

BOOST_AUTO_TEST_CASE(an_empty_near_place_goes_on_from_the_far_one) {
  Places places;
  {
    auto objects = places.open();
    save(*objects, "s1");
    end(objects);
  }
  const Contents before = places.far.snapshot();
  places.near.objects.clear();
  auto objects = places.open();
  BOOST_TEST((objects->list() == Objects::Keys{"s1/commit", "s1/manifest.json", "s1/verified", "s1/weights"}));
  BOOST_TEST((objects->get("s1/weights") == before.at("s1/weights")));
  BOOST_TEST(status_of([&] { objects->put("s1/weights", "other"); }) == TRAINHOST_ALREADY_EXISTS);
  BOOST_TEST(status_of([&] { objects->create("s1/commit", "other"); }) == TRAINHOST_ALREADY_EXISTS);
  objects->create("s1/commit", "commit of s1");
  save(*objects, "s2");
  discard(*objects, "s1");
  BOOST_TEST((objects->list("s1") == Objects::Keys{}));
  end(objects);
  BOOST_TEST(places.has_far("s2/commit"));
  BOOST_TEST(!places.has_far("s1/commit"));
}

BOOST_AUTO_TEST_CASE(the_newer_of_both_places_is_seen) {
  Places places;
  {
    auto objects = places.open();
    save(*objects, "s1");
    end(objects);
  }
  places.far.objects["s2/commit"] = "another machine went on";
  auto objects = places.open();
  BOOST_TEST(objects->get("s2/commit") == "another machine went on");
  BOOST_TEST((objects->list("s2") == Objects::Keys{"s2/commit"}));
}

BOOST_AUTO_TEST_CASE(an_empty_near_place_without_the_far_one_is_refused) {
  Places places;
  std::atomic<bool> is_down = true;
  fail_while(places.far, is_down);
  const std::string words = words_of([&] { places.open(); });
  BOOST_TEST(words.find("start_without_far") != std::string::npos, words);
  BOOST_TEST(words.find("the place is down") != std::string::npos, words);
  auto objects = places.open(R"(,"start_without_far":true)");
  save(*objects, "s1");
  is_down = false;
  end(objects);
  BOOST_TEST((places.far.snapshot() == places.near.snapshot()));
}

BOOST_AUTO_TEST_CASE(a_far_place_that_refuses_is_found_before_anything_is_saved) {
  Places places;
  places.far.before = [](std::string_view function, std::string_view) {
    if (function == "put_begin") throw PluginError(TRAINHOST_PERMISSION_DENIED, "read-only");
  };
  auto objects = places.open();
  BOOST_TEST(status_of([&] { objects->begin("probe", 1); }) == TRAINHOST_PERMISSION_DENIED);
  BOOST_TEST(words_of([&] { Places other; other.far.before = [](std::string_view, std::string_view) { throw PluginError(TRAINHOST_NOT_FOUND, "no such bucket"); }; other.open(); }) == "no such bucket");
}

// The far place dies for good at every one of its calls: what it holds then has no commit record without its files, and the next process completes it.
BOOST_AUTO_TEST_CASE(cut_at_any_call_the_far_place_holds_whole_checkpoints_or_none) {
  for (int last_call = 0;; ++last_call) {
    Places places;
    std::atomic<int> num_calls = 0;
    std::atomic<bool> is_dead = false;
    places.far.before = [&](std::string_view, std::string_view) {
      if (++num_calls > last_call) is_dead = true;
      if (is_dead) throw PluginError(TRAINHOST_UNAVAILABLE, "gone");
    };
    {
      auto objects = places.open(R"(,"wait_at_end_seconds":0,"start_without_far":true)");
      for (const char* folder : {"s1", "s2", "s3"}) save(*objects, folder);
      discard(*objects, "s1");
      while (!is_dead && !places.has_far("s3/verified")) std::this_thread::yield();
      end(objects);
    }
    const Contents far = places.far.snapshot();
    for (const std::string folder : {"s1", "s2", "s3"}) {
      const bool has_mark = far.contains(folder + "/verified"), has_commit = far.contains(folder + "/commit");
      if (has_commit) BOOST_TEST((far.contains(folder + "/weights") && far.contains(folder + "/manifest.json")), folder << " is cut after call " << last_call);
      BOOST_TEST((has_commit || !has_mark), folder << " has a mark without its commit record after call " << last_call);
    }
    places.far.before = nullptr;
    auto objects = places.open();
    save(*objects, "s4");
    for (const std::string& key : objects->list("s1/")) objects->remove(key);  // retention finds what is left of it in the list
    end(objects);
    BOOST_TEST((places.far.snapshot() == places.near.snapshot()), "after call " << last_call);
    if (!is_dead) break;
  }
}

BOOST_AUTO_TEST_CASE(objects_go_in_parts_of_many_threads) {
  Places places;
  auto objects = places.open(R"(,"parts_at_once":8)");
  const std::string bytes = pattern_bytes(300 * 4096 + 17);
  objects->put("s1/weights", bytes);
  objects->put("s1/nothing", "");
  objects->create("s1/commit", "x");
  end(objects);
  BOOST_TEST((places.far.snapshot()["s1/weights"] == bytes));
  BOOST_TEST((places.far.snapshot() == places.near.snapshot()));
}

BOOST_AUTO_TEST_CASE(a_removed_checkpoint_stays_far_until_its_successor_is_there) {
  Places places;
  auto objects = places.open();
  save(*objects, "s1");
  end(objects);
  std::atomic<bool> is_down = false;
  places.far.before = [&](std::string_view, std::string_view key) {
    if (is_down && key.starts_with("s2/weights")) throw PluginError(TRAINHOST_UNAVAILABLE, "not now");
  };
  is_down = true;
  objects = places.open(R"(,"wait_at_end_seconds":0)");
  save(*objects, "s2");
  discard(*objects, "s1");
  BOOST_TEST((objects->list("s1") == Objects::Keys{}));
  BOOST_TEST(status_of([&] { objects->get("s1/weights"); }) == TRAINHOST_NOT_FOUND);
  end(objects);
  BOOST_TEST(places.has_far("s1/commit"));
  BOOST_TEST(places.has_far("s1/weights"));
}

BOOST_AUTO_TEST_CASE(a_process_that_only_removes_does_so_in_both_places) {
  Places places;
  auto objects = places.open();
  for (const char* folder : {"s1", "s2"}) save(*objects, folder);
  end(objects);
  objects = places.open();
  discard(*objects, "s1");
  end(objects);
  BOOST_TEST(places.has_far("s2/commit"));
  BOOST_TEST((places.far.snapshot() == places.near.snapshot()));
  BOOST_TEST(!objects->host().has_logged(TRAINHOST_LOG_WARNING, "still in the far place"));
}

BOOST_AUTO_TEST_CASE(what_could_not_be_removed_far_is_said) {
  Places places;
  std::atomic<bool> is_down = false;
  fail_while(places.far, is_down);
  auto objects = places.open();
  for (const char* folder : {"s1", "s2"}) save(*objects, folder);
  end(objects);
  is_down = true;
  objects = places.open();
  discard(*objects, "s1");
  end(objects);  // without waiting for a place that this process never saw
  BOOST_TEST(places.has_far("s1/commit"));
  BOOST_TEST(objects->host().has_logged(TRAINHOST_LOG_WARNING, "4 objects that were removed near are still in the far place, which does not answer"));
}

BOOST_AUTO_TEST_CASE(another_writer_in_the_far_place_ends_the_run) {
  Places places;
  auto objects = places.open();
  places.far.objects["attempts/000001"] = "of another machine";
  objects->create("attempts/000001", "ours");
  while (!objects->host().has_logged(TRAINHOST_LOG_ERROR, "attempts/000001")) std::this_thread::yield();
  BOOST_TEST(status_of([&] { objects->create("s1/commit", "x"); }) == TRAINHOST_FAILED_PRECONDITION);
  BOOST_TEST(status_of([&] { objects->begin("s1/weights", 1); }) == TRAINHOST_FAILED_PRECONDITION);
  BOOST_TEST(places.far.snapshot()["attempts/000001"] == "of another machine");
}

BOOST_AUTO_TEST_CASE(what_is_damaged_near_is_read_from_the_far_place) {
  Places places;
  auto objects = places.open();
  save(*objects, "s1");
  end(objects);
  places.near.before = [](std::string_view function, std::string_view key) {
    if (function == "get" && key == "s1/weights") throw PluginError(TRAINHOST_DATA_LOSS, "a bad sector");
  };
  objects = places.open();
  BOOST_TEST((objects->get("s1/weights") == places.far.snapshot()["s1/weights"]));
  BOOST_TEST(objects->host().has_logged(TRAINHOST_LOG_WARNING, "read from the far one"));
}

BOOST_AUTO_TEST_CASE(each_place_can_be_asked_alone) {
  Places places;
  auto objects = places.open();
  save(*objects, "s1");
  end(objects);
  places.near.objects["s1/weights"] = "damaged";
  places.far.objects.erase("s1/verified");
  objects = places.open();
  const auto& table = objects->plugin().table<trainhost_checkpoint_copies>(TRAINHOST_CHECKPOINT_COPIES);
  const auto get = [&](std::uint32_t place, std::string_view key) {
    std::string bytes(8, '?');
    std::uint64_t got = 0;
    trainhost::call(table.get_copy, objects->plugin().c(), place, trainhost::c_string(key), std::uint64_t{0}, static_cast<void*>(bytes.data()), std::uint64_t{8}, &got);
    return bytes.substr(0, got);
  };
  BOOST_TEST(table.num_places == 2u);
  BOOST_TEST(get(0, "s1/weights") == "damaged");
  BOOST_TEST(get(1, "s1/weights") == pattern_bytes(20'000).substr(0, 8));
  BOOST_TEST(status_of([&] { get(1, "s1/verified"); }) == TRAINHOST_NOT_FOUND);
  BOOST_TEST(status_of([&] { get(2, "s1/weights"); }) == TRAINHOST_INVALID_ARGUMENT);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_near_does_not_hold_up_the_rest) {
  Places places;
  auto objects = places.open();
  places.near.before = [](std::string_view function, std::string_view key) {
    if (function == "get" && key == "s1/weights") throw PluginError(TRAINHOST_DATA_LOSS, "a bad sector");
  };
  save(*objects, "s1");
  save(*objects, "s2");
  end(objects);
  BOOST_TEST(!places.has_far("s1/commit"));
  BOOST_TEST(places.has_far("s2/verified"));
  BOOST_TEST(objects->host().has_logged(TRAINHOST_LOG_WARNING, "cannot be read near"));
  BOOST_TEST(!objects->host().has_logged(TRAINHOST_LOG_INFO, "everything is in the far place too"));
}

BOOST_AUTO_TEST_CASE(the_lag_is_reported) {
  Places places;
  std::atomic<bool> is_down = false;
  fail_while(places.far, is_down);
  auto objects = places.open(R"(,"wait_at_end_seconds":0)");
  is_down = true;
  save(*objects, "s1");
  end(objects);
  auto last = objects->host().reports().back();
  BOOST_TEST(last.topic == "lag");
  BOOST_TEST((last.numbers.at("objects") == 4 && last.numbers.at("bytes") > 20'000 && last.numbers.at("seconds") >= 0));
  is_down = false;
  objects = places.open();
  objects->create("attempts/000002", "claim");
  end(objects);
  last = objects->host().reports().back();
  BOOST_TEST((last.numbers.at("objects") == 0 && last.numbers.at("bytes") == 0 && last.numbers.at("far_answers") == 1));
  BOOST_TEST(objects->host().has_logged(TRAINHOST_LOG_INFO, "s1 is in the far place too"));
}

BOOST_AUTO_TEST_SUITE_END()
