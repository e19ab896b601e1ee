// Threads that read ahead: their number changes nothing, their memory is bounded, and one that hangs or dies is an error that says what it was at.
#include "data/read_ahead.h"

#include <pthread.h>

#include <boost/test/unit_test.hpp>

#include <numeric>

#include "data/testing/fake_source.h"

using namespace trainhost;
using namespace trainhost::testing;

BOOST_AUTO_TEST_SUITE(read_ahead_test)

namespace {

SampleList samples_from(uint64_t first, uint64_t count) {
  SampleList samples{std::vector<uint64_t>(count), std::vector<uint64_t>(count, 0)};
  std::iota(samples.ids.begin(), samples.ids.end(), first);
  return samples;
}

// Reads `num_batches` of four samples; changes the threads with each when wanted.
std::string read_all(ReadAhead& reading, uint64_t num_batches, bool changes_threads = false) {
  std::string bytes;
  uint64_t pushed = 0;
  for (uint64_t popped = 0; popped < num_batches; ++popped) {
    if (changes_threads) reading.set_threads(1 + popped * 3 % 5);
    for (; pushed < num_batches && reading.has_room(); ++pushed) reading.push(samples_from(pushed * 4 % 96, 4));
    bytes += as_fake(*reading.pop().batch).bytes();
  }
  return bytes;
}

// Reads once after `seconds` have seemed to pass with each look at the clock.
Clock hasty_clock(double seconds) {
  return [seconds, now = std::make_shared<std::atomic<uint64_t>>(0)] { return static_cast<double>(++*now) * seconds; };
}

}  // namespace

BOOST_AUTO_TEST_CASE(threads_that_come_and_go_change_nothing) {
  FakeSource source;
  FakeDevice device;
  ReadAhead one(source.source(), device, {.threads = 1}), many(source.source(), device, {.threads = 4});
  BOOST_TEST((read_all(one, 200) == read_all(many, 200, true)));
  many.set_threads(3);
  BOOST_TEST(many.work().threads == 3u);
  BOOST_TEST(many.work().samples == 800u);
}

BOOST_AUTO_TEST_CASE(memory_stays_below_its_bound) {
  FakeSource source;  // 4 samples: x 256 bytes, y 48 bytes that are gathered from 256
  FakeDevice device;
  const uint64_t bound = 2048;
  ReadAhead free(source.source(), device, {.threads = 4, .batches = 16});
  const std::string wanted = read_all(free, 100);
  ReadAhead bounded(source.source(), device, {.threads = 4, .batches = 16, .memory_bytes = bound});
  BOOST_TEST((read_all(bounded, 100) == wanted));
  BOOST_TEST(bounded.work().peak_bytes <= bound);
  BOOST_TEST(bounded.work().peak_bytes > bound / 2);  // more than one at a time
}

BOOST_AUTO_TEST_CASE(memory_of_fields_without_a_largest_size_is_bounded_by_the_largest_seen) {
  FakeSource source;
  source.fields = {{"x", TRAINHOST_FIELD_INPUT, kInt64, {-1}, {-1}}};
  source.size_of = [](uint64_t) { return 16; };
  FakeDevice device;
  ReadAhead reading(source.source(), device, {.threads = 4, .batches = 16, .memory_bytes = 4096});  // a batch: 4 x 128 + 512
  read_all(reading, 100);
  BOOST_TEST(reading.work().peak_bytes <= 4096u);
}

BOOST_AUTO_TEST_CASE(a_batch_larger_than_the_bound_is_refused_with_both_sizes) {
  for (const bool varies : {false, true}) {
    FakeSource source;
    source.fields = {{"x", TRAINHOST_FIELD_INPUT, kInt64, {varies ? -1 : 1024}, {varies ? -1 : 1024}}};
    source.size_of = [](uint64_t) { return 1024; };
    FakeDevice device;
    ReadAhead reading(source.source(), device, {.set_name = "train", .memory_bytes = 16384});
    reading.push(samples_from(0, 4));
    const std::string message = message_of(ExitCode::kConfig, [&] { reading.pop(); });
    BOOST_TEST(contains(message, "data set train: data_source/fake: a batch of 4 samples takes "), message);
    BOOST_TEST(contains(message, "data.memory allows 16 KiB"), message);
    reading.clear();
    reading.push(samples_from(0, 1));
    BOOST_TEST(reading.pop().batch->num_samples == 1u);
  }
}

BOOST_AUTO_TEST_CASE(in_its_stride_it_allocates_nothing) {
  FakeSource source;
  FakeDevice device;
  ReadAhead reading(source.source(), device, {.threads = 2, .batches = 4});
  read_all(reading, 500);
  BOOST_TEST(device.num_allocations <= 2u * (4 + 1));  // two fields of those read ahead and of the one handed out
}

BOOST_AUTO_TEST_CASE(a_read_that_never_returns_is_named_and_left_behind) {
  static FakeSource source;  // outlives the thread
  static FakeDevice device;
  static std::atomic<bool> may_return = false;
  source.before_sample = [](uint64_t id) {
    while (id == 6 && !may_return) std::this_thread::yield();
    return TRAINHOST_OK;
  };
  {
    ReadAhead reading(source.source(), device, {.set_name = "train", .threads = 1, .batches = 2, .stall_seconds = 300, .clock = hasty_clock(200)});
    reading.push(samples_from(0, 4));
    reading.push(samples_from(4, 4));
    reading.pop();
    const std::string message = message_of(ExitCode::kData, [&] { reading.pop(); });
    BOOST_TEST(contains(message, "data set train: data_source/fake: reading samples 4, 5, 6, 7 has not moved for "), message);
    BOOST_TEST(contains(message, "data.stall_timeout"), message);
    BOOST_TEST(source.instance().is_left_behind());
  }
  may_return = true;
  while (device.num_uploads < 2) std::this_thread::yield();
}

BOOST_AUTO_TEST_CASE(a_read_that_moves_slowly_is_no_stall) {
  FakeSource source;
  FakeDevice device;
  std::atomic<uint64_t> looks = 0;  // at the clock, by the owner, who waits
  source.before_sample = [&](uint64_t) {
    const uint64_t before = looks;
    while (looks < before + 2) std::this_thread::yield();
    return TRAINHOST_OK;
  };
  ReadAhead reading(source.source(), device, {.threads = 1, .stall_seconds = 4, .clock = [&] { return static_cast<double>(++looks); }});
  reading.push(samples_from(0, 4));
  BOOST_TEST(reading.pop().batch->num_samples == 4u);
}

BOOST_AUTO_TEST_CASE(a_source_that_ends_its_thread_is_named) {
  FakeSource source;
  FakeDevice device;
  source.before_sample = [](uint64_t id) -> trainhost_status {
    if (id == 5) ::pthread_exit(nullptr);
    return TRAINHOST_OK;
  };
  ReadAhead reading(source.source(), device, {.set_name = "heldout", .threads = 1});
  reading.push(samples_from(0, 4));
  reading.push(samples_from(4, 2));
  reading.pop();
  const std::string message = message_of(ExitCode::kData, [&] { reading.pop(); });
  BOOST_TEST(contains(message, "data set heldout: data_source/fake: the thread that read samples 4, 5 was ended inside of the source"), message);
}

BOOST_AUTO_TEST_CASE(a_source_that_throws_is_named) {
  FakeSource source;
  FakeDevice device;
  source.before_sample = [](uint64_t) -> trainhost_status { throw std::runtime_error("out of luck"); };
  ReadAhead reading(source.source(), device, {.set_name = "train"});
  reading.push(samples_from(0, 4));
  const std::string message = message_of(ExitCode::kPlugin, [&] { reading.pop(); });
  BOOST_TEST(contains(message, "out of luck"), message);
}

// A sample takes a second: a quarter to read, the rest to decode. The clock goes with the reading alone.
BOOST_AUTO_TEST_CASE(waits_and_work_are_split_by_the_stages_of_the_batch) {
  FakeSource source;
  FakeDevice device;
  std::atomic<uint64_t> milliseconds = 0;
  std::atomic<bool> is_waiting = false;
  const std::thread::id owner = std::this_thread::get_id();
  source.before_sample = [&](uint64_t) {
    while (!is_waiting) std::this_thread::yield();
    milliseconds += 1000;
    source.add_stage(TRAINHOST_STAGE_DECODE, 750'000'000);
    return TRAINHOST_OK;
  };
  ReadAhead reading(source.source(), device, {.threads = 1, .batches = 1, .clock = [&] {
                      const uint64_t now = milliseconds;
                      if (std::this_thread::get_id() == owner) is_waiting = true;
                      return static_cast<double>(now) / 1000;
                    }});
  is_waiting = false;
  reading.push(samples_from(0, 4));
  const ReadAhead::Item item = reading.pop();
  BOOST_TEST(item.ready == 0u);
  BOOST_TEST(item.waited.read == 1.0);
  BOOST_TEST(item.waited.decode == 3.0);
  BOOST_TEST(item.waited.copy == 0.0);
  const ReadingWork work = reading.work();
  BOOST_TEST(work.busy.read == 1.0);
  BOOST_TEST(work.busy.decode == 3.0);
  BOOST_TEST(work.available_seconds == 4.0);
  BOOST_TEST(std::string(work.busy.largest()) == "decode");
}

BOOST_AUTO_TEST_SUITE_END()
