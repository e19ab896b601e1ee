// Memory of batches is used again, counted, and kept below the limit.
#include "data/staging.h"

#include <boost/test/unit_test.hpp>

#include "data/testing/fake_source.h"

using namespace trainhost;
using namespace trainhost::testing;

BOOST_AUTO_TEST_SUITE(staging_test)

BOOST_AUTO_TEST_CASE(what_was_dropped_is_used_again) {
  FakeDevice device;
  Staging staging(device, 1 << 20);
  const std::byte* first = staging.buffer(1000).get();
  const auto again = staging.buffer(990);  // of the same size class
  BOOST_TEST(again.get() == first);
  BOOST_TEST(reinterpret_cast<uintptr_t>(first) % 64 == 0u);
  BOOST_TEST(staging.room(1000).get() != first);
  BOOST_TEST(device.num_allocations == 1u);
  BOOST_TEST(staging.num_allocations() == 2u);
}

BOOST_AUTO_TEST_CASE(idle_buffers_make_room_for_others) {
  FakeDevice device;
  Staging staging(device, 4096);
  auto one = staging.buffer(2048), two = staging.buffer(1024);
  one.reset(), two.reset();
  BOOST_TEST(device.held_bytes == 3072u);
  const auto large = staging.buffer(4096);
  BOOST_TEST(device.peak_bytes == 4096u);
  BOOST_TEST(staging.peak_bytes() == 4096u);
}

BOOST_AUTO_TEST_CASE(no_more_lies_idle_than_was_in_use_at_once) {
  FakeDevice device;
  Staging staging(device, 1 << 20);
  for (size_t bytes = 64; bytes <= 4096; bytes += 64) staging.buffer(bytes);
  BOOST_TEST(device.held_bytes <= 4096u);
}

BOOST_AUTO_TEST_CASE(a_buffer_may_outlive_the_pool) {
  FakeDevice device;
  std::shared_ptr<std::byte> left;
  {
    Staging staging(device, 4096);
    left = staging.buffer(100);
    staging.buffer(300);
  }
  BOOST_TEST(device.held_bytes == 128u);
  left.reset();
  BOOST_TEST(device.held_bytes == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
