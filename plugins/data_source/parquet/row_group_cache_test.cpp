// The cache of row groups: bounded, each decoded once however many wait for it, and tried again after a failure.
#include "row_group_cache.h"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace trainhost::parquet_source;

namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

struct Cache {
  explicit Cache(std::uint64_t mib) : cache(mib * kMiB) {}
  // How often a row group of that size was decoded for this call.
  int decoded(std::uint64_t number, std::uint64_t mib = 10) {
    int count = 0;
    cache.get(number, [&] { return ++count, RowGroup{nullptr, {}, mib * kMiB}; });
    return count;
  }
  RowGroupCache cache;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(row_group_cache_test)

BOOST_AUTO_TEST_CASE(the_least_recently_used_makes_room) {
  Cache cache(30);
  for (const std::uint64_t number : {1, 2, 3}) BOOST_TEST(cache.decoded(number) == 1);
  for (const std::uint64_t number : {1, 2, 3, 1}) BOOST_TEST(cache.decoded(number) == 0);
  BOOST_TEST(cache.decoded(4) == 1);  // 2 goes
  for (const std::uint64_t number : {3, 1, 4}) BOOST_TEST(cache.decoded(number) == 0);
  BOOST_TEST(cache.decoded(2) == 1);
}

BOOST_AUTO_TEST_CASE(one_that_is_larger_than_the_bound_is_kept_alone) {
  Cache cache(30);
  BOOST_TEST(cache.decoded(1) == 1);
  BOOST_TEST(cache.decoded(2, 50) == 1);
  BOOST_TEST(cache.decoded(2, 50) == 0);
  BOOST_TEST(cache.decoded(1) == 1);
  BOOST_TEST(cache.decoded(2, 50) == 1);
}

BOOST_AUTO_TEST_CASE(what_goes_lives_on_with_its_readers_only) {
  Cache cache(10);
  std::weak_ptr<const RowGroup> watched;
  {
    const auto held = cache.cache.get(1, [] { return RowGroup{nullptr, {}, 10 * kMiB}; });
    watched = held;
    cache.decoded(2);
    BOOST_TEST(!watched.expired());
  }
  BOOST_TEST(watched.expired());
}

BOOST_AUTO_TEST_CASE(many_threads_wait_for_one_that_decodes) {
  Cache cache(30);
  std::atomic<int> count = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) threads.emplace_back([&] { cache.cache.get(7, [&] { return ++count, std::this_thread::yield(), RowGroup{nullptr, {}, kMiB}; }); });
  }
  BOOST_TEST(count == 1);
}

BOOST_AUTO_TEST_CASE(a_failure_is_not_kept) {
  Cache cache(30);
  BOOST_CHECK_THROW(cache.cache.get(1, []() -> RowGroup { throw std::runtime_error("damaged"); }), std::runtime_error);
  BOOST_TEST(cache.decoded(1) == 1);
  BOOST_TEST(cache.decoded(1) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
