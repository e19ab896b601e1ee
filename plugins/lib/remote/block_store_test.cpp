// Blocks are fetched once, ahead and in parallel; who dies, hangs or fails while fetching stops nobody.
#include <boost/test/unit_test.hpp>

#include <csignal>

#include <sys/wait.h>
#include <unistd.h>

#include <trainhost/testing.hpp>

#include "files/testing/folder.h"
#include "remote/block_store.h"

using namespace trainhost;
using namespace trainhost::remote;

BOOST_AUTO_TEST_SUITE(block_store_test)

constexpr uint64_t kBlock = BlockStore::kBlock, kSize = 5 * kBlock + 1000;

std::byte byte_at(uint64_t offset) { return static_cast<std::byte>((offset * 7 + offset / 4096) & 255); }

// A store of one object that is made up; tests look at what was asked for.
struct MadeUp : trainhost::testing::TemporaryFolder {
  explicit MadeUp(uint64_t limit = 1 << 30, BlockStore::Duration patience = BlockStore::kPatience)
      : cache(path / "objects", limit, [](const std::string&) {}),
        store(
            cache,
            [this](const Object&, uint64_t offset, std::span<std::byte> out, const std::function<bool()>& is_unwanted) { fetch(offset, out, is_unwanted); }, host, patience) {
    cache.open();
    store.start();
  }

  void fetch(uint64_t offset, std::span<std::byte> out, const std::function<bool()>& is_unwanted) {
    {
      const std::lock_guard lock(mutex);
      fetched.push_back({offset, out.size()});
    }
    if (before_fetch) before_fetch(offset, is_unwanted);
    for (size_t i = 0; i < out.size(); ++i) out[i] = byte_at(offset + i);
  }
  void expect_right(uint64_t offset, size_t size, uint64_t num_ahead = 0) {
    std::vector<std::byte> bytes(size);
    store.read(named, offset, bytes, num_ahead);
    bool is_right = true;
    for (size_t i = 0; i < size; ++i) is_right = is_right && bytes[i] == byte_at(offset + i);
    BOOST_TEST(is_right, "bytes from " << offset);
  }
  // Waits until so many fetches have begun; sorted by offset.
  std::vector<std::pair<uint64_t, uint64_t>> fetches(size_t count) {
    for (;; std::this_thread::yield()) {
      const std::lock_guard lock(mutex);
      if (fetched.size() < count) continue;
      auto all = fetched;
      std::sort(all.begin(), all.end());
      return all;
    }
  }

  trainhost::testing::FakeHost fake;
  Host host{fake.c()};
  NamedObject named{{"s3://bucket/key", "bucket", "key", {kSize, "\"1\""}}, std::string(64, 'a')};
  std::mutex mutex;
  std::vector<std::pair<uint64_t, uint64_t>> fetched;  // offset and size
  std::function<void(uint64_t offset, const std::function<bool()>& is_unwanted)> before_fetch;
  ObjectCache cache;
  BlockStore store;
};

using Fetches = std::vector<std::pair<uint64_t, uint64_t>>;

BOOST_AUTO_TEST_CASE(a_long_read_fetches_its_blocks_in_parallel_and_each_once) {
  MadeUp made;
  std::atomic<int> at_once = 0;
  std::atomic<bool> were_together = false;
  made.before_fetch = [&](uint64_t, const auto&) {
    if (++at_once >= 4) were_together = true;
    for (int i = 0; i < 2000 && !were_together; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));  // the others come, or the test fails
    --at_once;
  };
  made.expect_right(100, kSize - 100);
  BOOST_TEST(were_together);
  BOOST_TEST((made.fetches(6) == Fetches{{0, kBlock}, {kBlock, kBlock}, {2 * kBlock, kBlock}, {3 * kBlock, kBlock}, {4 * kBlock, kBlock}, {5 * kBlock, 1000}}));
  made.expect_right(0, kSize);
  BOOST_TEST(made.fetches(6).size() == 6u);
}

BOOST_AUTO_TEST_CASE(a_short_read_brings_along_what_the_caller_expects) {
  MadeUp made;
  made.expect_right(kBlock + 5, 10, 2);
  BOOST_TEST((made.fetches(3) == Fetches{{kBlock, kBlock}, {2 * kBlock, kBlock}, {3 * kBlock, kBlock}}));
  made.store.stop();  // no more are under way
  BOOST_TEST(made.fetches(3).size() == 3u);
}

BOOST_AUTO_TEST_CASE(without_a_cache_only_the_bytes_asked_for_are_fetched) {
  MadeUp made(0);
  made.expect_right(kBlock - 10, 20, 4);
  BOOST_TEST((made.fetches(2) == Fetches{{kBlock - 10, 10}, {kBlock, 10}}));
}

BOOST_AUTO_TEST_CASE(a_fetch_that_fails_leaves_the_block_to_the_next) {
  MadeUp made;
  made.before_fetch = [](uint64_t, const auto&) { throw PluginError(TRAINHOST_UNAVAILABLE, "busy"); };
  for (int i = 0; i < 2; ++i) BOOST_TEST(trainhost::testing::status_of([&] { made.expect_right(0, 10); }) == TRAINHOST_UNAVAILABLE);
  made.before_fetch = {};
  made.expect_right(0, 10);
}

// A process that claims the first block, and then does nothing any more.
pid_t claimer(MadeUp& made) {
  int ready[2];
  BOOST_TEST_REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const BlockName first{format("{}-0", made.named.digest), kBlock};
    const auto claim = made.cache.claim(first);
    if (claim && ::write(ready[1], "x", 1) == 1) ::pause();
    ::_exit(1);
  }
  char byte;
  BOOST_TEST_REQUIRE(::read(ready[0], &byte, 1) == 1);
  ::close(ready[0]), ::close(ready[1]);
  return child;
}

BOOST_AUTO_TEST_CASE(who_dies_while_fetching_gives_way) {
  MadeUp made;
  const pid_t child = claimer(made);
  std::jthread reader([&] { made.expect_right(0, 10); });
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  reader.join();
  BOOST_TEST((made.fetches(1) == Fetches{{0, kBlock}}));
}

BOOST_AUTO_TEST_CASE(who_hangs_while_fetching_is_not_waited_for_without_end) {
  MadeUp made(1 << 30, std::chrono::milliseconds(20));
  const pid_t child = claimer(made);
  made.expect_right(3, 10);
  BOOST_TEST((made.fetches(1) == Fetches{{3, 10}}));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

BOOST_AUTO_TEST_CASE(waiting_ends_when_the_host_cancels) {
  MadeUp made;
  const pid_t child = claimer(made);
  made.fake.is_cancelled = true;
  BOOST_TEST(trainhost::testing::status_of([&] { made.expect_right(0, 10); }) == TRAINHOST_CANCELLED);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

BOOST_AUTO_TEST_CASE(stopping_ends_what_is_fetched_ahead) {
  MadeUp made;
  made.before_fetch = [](uint64_t offset, const std::function<bool()>& is_unwanted) {
    if (offset == 0) return;
    while (!is_unwanted()) std::this_thread::yield();
    throw PluginError(TRAINHOST_CANCELLED, "no longer wanted");
  };
  made.expect_right(0, 10, 4);
  made.fetches(2);
  made.store.stop();
  made.store.stop();
}

BOOST_AUTO_TEST_SUITE_END()
