// What every checkpoint backend keeps, as bodies of test cases. Include <boost/test/unit_test.hpp> before.
#pragma once

#include <atomic>
#include <thread>

#include "trainhost/testing/objects.hpp"

namespace trainhost::testing {

// In an empty place: keys come in bytewise order, those that begin with the prefix and no others, until it is enough.
inline void keys_come_in_bytewise_order(Objects& objects) {
  using Keys = Objects::Keys;
  for (const char* key : {"b", "a/x", "a-1", "a.b", "a0", "A", "a/b/c"}) objects.put(key, key);
  BOOST_TEST((objects.list() == Keys{"A", "a-1", "a.b", "a/b/c", "a/x", "a0", "b"}));
  BOOST_TEST((objects.list("a/") == Keys{"a/b/c", "a/x"}));
  BOOST_TEST((objects.list("a/b") == Keys{"a/b/c"}));
  BOOST_TEST((objects.list("a") == Keys{"a-1", "a.b", "a/b/c", "a/x", "a0"}));
  BOOST_TEST((objects.list("", 2) == Keys{"A", "a-1"}));
  BOOST_TEST((objects.list("none/") == Keys{}));
  BOOST_TEST((objects.list("../") == Keys{}));
}

// create makes, takes equal bytes again and never overwrites.
inline void create_makes_once(Objects& objects) {
  objects.create("x/commit", "mine");
  objects.create("x/commit", "mine");
  for (const char* other : {"his", "mine too", "min", ""}) BOOST_TEST(status_of([&] { objects.create("x/commit", other); }) == TRAINHOST_ALREADY_EXISTS);
  BOOST_TEST(objects.get("x/commit") == "mine");
  BOOST_TEST((objects.list() == Objects::Keys{"x/commit"}));
}

// Of four threads in two instances over one place, which create a key at once, one wins; so often.
inline void one_creator_wins(Objects& first, Objects& second, int rounds) {
  for (int round = 0; round < rounds; ++round) {
    std::atomic<int> num_winners{0};
    {
      std::vector<std::jthread> threads;
      for (int worker = 0; worker < 4; ++worker)
        threads.emplace_back([&, worker] {
          Objects& objects = worker % 2 ? second : first;
          num_winners += status_of([&] { objects.create(format("race-{}", round), std::to_string(worker)); }) == TRAINHOST_OK;
        });
    }
    BOOST_TEST(num_winners == 1);
  }
}

// A key that is none is refused by every function that takes one.
inline void keys_that_lead_elsewhere_are_refused(Objects& objects) {
  for (const std::string key : {"", "/a", "a/", "a//b", "../a", "a/../b", "./a", "a/.", "a b", "~1", "a\\b", "\xc3\xa4"}) {
    BOOST_TEST_CONTEXT("key " << key) {
      BOOST_TEST(status_of([&] { objects.create(key, "x"); }) == TRAINHOST_INVALID_ARGUMENT);
      BOOST_TEST(status_of([&] { objects.begin(key, 1); }) == TRAINHOST_INVALID_ARGUMENT);
      BOOST_TEST(status_of([&] { objects.get(key); }) == TRAINHOST_INVALID_ARGUMENT);
      BOOST_TEST(status_of([&] { objects.remove(key); }) == TRAINHOST_INVALID_ARGUMENT);
    }
  }
}

}  // namespace trainhost::testing
