// The laws of the training data: the same samples whatever the threads, the cut or the interruptions.
#include "data/pipeline.h"

#include <rapidcheck.h>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "data/testing/fake_source.h"

using namespace trainhost;
using namespace trainhost::testing;

namespace {

struct PipelineFixture {
  FakeSource source;
  FakeDevice device;
  PipelineOptions options{.seed = 5, .threads = 2, .prefetch_batches = 3};

  DataPipeline pipeline() { return DataPipeline(source.source(), options, device); }
};

// The bytes of the open window, micro-batch by micro-batch.
std::string window_bytes(DataPipeline& pipeline) {
  std::string out;
  while (const auto batch = pipeline.next()) out += as_fake(*batch).bytes();
  return out;
}

// The source's value() of id, element 0, without its key, gives the id back.
std::vector<uint64_t> ids_of(DataPipeline& pipeline) {
  std::vector<uint64_t> ids;
  while (const auto batch = pipeline.next()) {
    for (const int64_t value : as_fake(*batch).field<int64_t>(0)) ids.push_back(static_cast<uint64_t>(value));
  }
  return ids;
}

// One input element, which is the id; one target.
void make_ids(FakeSource& source) {
  source.fields = {{"x", TRAINHOST_FIELD_INPUT, kInt64, {1}, {}}, {"y", TRAINHOST_FIELD_TARGET, kInt32, {3}, {}}};
  source.value = [](uint64_t id, uint64_t, size_t, size_t) { return static_cast<int64_t>(id); };
}

std::string run_windows(DataPipeline& pipeline, const WindowShape& shape, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) {
    pipeline.begin_window(shape);
    out += window_bytes(pipeline);
    pipeline.commit_window();
  }
  return out;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(pipeline_test, PipelineFixture)

BOOST_AUTO_TEST_CASE(bytes_do_not_depend_on_threads_or_prefetching) {
  std::vector<std::string> runs;
  for (const auto& [threads, prefetch] : {std::pair{1, 1}, {4, 1}, {4, 16}, {3, 2}}) {
    options.threads = static_cast<uint64_t>(threads);
    options.prefetch_batches = static_cast<uint64_t>(prefetch);
    DataPipeline one = pipeline();
    runs.push_back(run_windows(one, {.micro_batch_samples = 4, .num_micro_batches = 3}, 20));
  }
  for (const std::string& run : runs) BOOST_TEST((run == runs[0]));
}

BOOST_AUTO_TEST_CASE(an_epoch_delivers_each_sample_once_and_the_next_one_in_another_order) {
  make_ids(source);
  DataPipeline one = pipeline();
  std::vector<uint64_t> epochs[2];
  for (auto& epoch : epochs) {
    one.begin_window({.micro_batch_samples = 7, .target_samples = 100});
    epoch = ids_of(one);
    one.commit_window();
  }
  BOOST_TEST((epochs[0] != epochs[1]));
  for (auto& epoch : epochs) {
    std::sort(epoch.begin(), epoch.end());
    for (uint64_t i = 0; i < 100; ++i) BOOST_REQUIRE(epoch[i] == i);
  }
  BOOST_TEST((one.position() == Position{2, 0, 200}));
}

BOOST_AUTO_TEST_CASE(windows_are_cut_as_asked) {
  DataPipeline one = pipeline();
  const auto cut = [&](const WindowShape& shape) {
    const WindowCut out = one.begin_window(shape);
    one.seek(one.position());
    return out;
  };
  const std::vector<uint64_t> three{4, 4, 4}, rest{4, 4, 2}, single{3};
  BOOST_TEST(cut({.micro_batch_samples = 4, .num_micro_batches = 3}).micro_batch_samples == three, boost::test_tools::per_element());
  BOOST_TEST(cut({.micro_batch_samples = 4, .target_samples = 10}).micro_batch_samples == rest, boost::test_tools::per_element());
  BOOST_TEST(cut({.micro_batch_samples = 4, .target_samples = 3}).micro_batch_samples == single, boost::test_tools::per_element());
  BOOST_TEST(cut({.micro_batch_samples = 4, .target_samples = 10}).max_targets == 30u);
  // 3 targets a sample: the fourth sample is the first to reach 10.
  BOOST_TEST(cut({.micro_batch_samples = 8, .target_tokens = 10}).samples == 4u);
  BOOST_TEST(cut({.micro_batch_samples = 8, .target_tokens = 12}).samples == 4u);
  BOOST_TEST(cut({.micro_batch_samples = 8, .target_tokens = 13}).samples == 5u);
}

BOOST_AUTO_TEST_CASE(tokens_of_varying_samples_are_counted_by_their_lengths) {
  source.fields = {{"x", TRAINHOST_FIELD_INPUT, kInt64, {1}, {}}, {"y", TRAINHOST_FIELD_TARGET, kInt32, {-1}, {-1}, 0, -1}};
  source.value = [](uint64_t id, uint64_t, size_t, size_t) { return static_cast<int64_t>(id); };
  source.targets_of = [](uint64_t id) { return id % 7; };
  source.size_of = [](uint64_t id) { return static_cast<int64_t>(id % 7); };
  DataPipeline one = pipeline();
  for (int window = 0; window < 30; ++window) {
    const WindowCut cut = one.begin_window({.micro_batch_samples = 3, .target_tokens = 40});
    const std::vector<uint64_t> ids = ids_of(one);
    uint64_t tokens = 0;
    for (const uint64_t id : ids) {
      BOOST_TEST(tokens < 40u);
      tokens += id % 7;
    }
    BOOST_TEST(tokens >= 40u);
    BOOST_TEST(cut.max_targets == tokens);
    BOOST_TEST(cut.samples == ids.size());
    one.commit_window();
  }
}

BOOST_AUTO_TEST_CASE(without_lengths_varying_samples_are_bounded_by_max_shape_or_refused) {
  source.fields = {{"y", TRAINHOST_FIELD_TARGET, kInt32, {-1}, {9}, 0, -1}};
  DataPipeline one = pipeline();
  BOOST_TEST(one.begin_window({.micro_batch_samples = 2, .num_micro_batches = 2}).max_targets == 36u);
  one.seek(one.position());
  BOOST_TEST(contains(message_of(ExitCode::kConfig, [&] { one.begin_window({.micro_batch_samples = 2, .target_tokens = 2}); }), "data_source/fake"));
  FakeSource unbounded;
  unbounded.fields = {{"y", TRAINHOST_FIELD_TARGET, kInt32, {-1}, {-1}, 0, -1}};
  BOOST_TEST(contains(message_of(ExitCode::kData, [&] { DataPipeline(unbounded.source(), options, device); }), "field 'y'"));
}

BOOST_AUTO_TEST_CASE(samples_without_any_target_never_reach_a_token_target) {
  source.targets_of = [](uint64_t) { return uint64_t{0}; };
  DataPipeline one = pipeline();
  BOOST_TEST(contains(message_of(ExitCode::kData, [&] { one.begin_window({.micro_batch_samples = 2, .target_tokens = 2}); }), "never reached"));
}

BOOST_AUTO_TEST_CASE(an_abandoned_window_comes_again_in_smaller_pieces) {
  make_ids(source);
  DataPipeline one = pipeline();
  run_windows(one, {.micro_batch_samples = 8, .num_micro_batches = 2}, 2);
  const Position before = one.position();
  one.begin_window({.micro_batch_samples = 8, .num_micro_batches = 2});
  const std::vector<uint64_t> first = ids_of(one);
  one.begin_window({.micro_batch_samples = 8, .num_micro_batches = 2});
  one.next();  // out of memory strikes in the middle
  const WindowCut cut = one.begin_window({.micro_batch_samples = 3, .num_micro_batches = 2});
  BOOST_TEST(cut.samples == 16u);
  BOOST_TEST(cut.micro_batch_samples.size() == 6u);
  BOOST_TEST(cut.max_targets == 48u);
  BOOST_TEST(ids_of(one) == first, boost::test_tools::per_element());
  BOOST_TEST((one.position() == before));
  one.commit_window();
  BOOST_TEST(one.position().samples_total == 48u);
}

BOOST_AUTO_TEST_CASE(any_sequence_of_shapes_retries_and_seeks_gives_the_samples_in_their_order) {
  make_ids(source);
  source.num_samples = 37;
  DataPipeline reference = pipeline();
  reference.begin_window({.micro_batch_samples = 64, .target_samples = 1000});
  const std::vector<uint64_t> order = ids_of(reference);
  BOOST_TEST(rc::check("exact order", [&] {
    options.threads = *rc::gen::inRange<uint64_t>(1, 5);
    options.prefetch_batches = *rc::gen::inRange<uint64_t>(1, 9);
    auto one = std::make_unique<DataPipeline>(source.source(), options, device);
    WindowShape shape{.micro_batch_samples = 4, .num_micro_batches = 2};
    for (int window = 0; window < 12; ++window) {
      const int what = *rc::gen::inRange(0, 6);
      if (what == 0) shape = {.micro_batch_samples = *rc::gen::inRange<uint64_t>(1, 9), .target_samples = *rc::gen::inRange<uint64_t>(1, 50)};
      if (what == 1) shape = {.micro_batch_samples = *rc::gen::inRange<uint64_t>(1, 9), .target_tokens = *rc::gen::inRange<uint64_t>(1, 99)};
      if (what == 2) {  // a new process
        const Position position = one->position();
        one = std::make_unique<DataPipeline>(source.source(), options, device);
        one->seek(position);
      }
      one->begin_window(shape);
      if (what == 3) {  // partly consumed, then again
        one->next();
        shape.micro_batch_samples = (shape.micro_batch_samples + 1) / 2;
        one->begin_window(shape);
      }
      const uint64_t start = one->position().samples_total;
      const std::vector<uint64_t> ids = ids_of(*one);
      for (size_t i = 0; i < ids.size(); ++i) RC_ASSERT(ids[i] == order[start + i]);
      one->commit_window();
      RC_ASSERT(one->position().samples_total == start + ids.size());
      RC_ASSERT(one->position().epoch == (start + ids.size()) / 37);
    }
  }));
}

BOOST_AUTO_TEST_CASE(a_window_committed_before_its_end_counts_as_consumed) {
  make_ids(source);
  DataPipeline one = pipeline(), straight = pipeline();
  one.begin_window({.micro_batch_samples = 4, .num_micro_batches = 3});
  one.next();
  one.commit_window();
  one.begin_window({.micro_batch_samples = 4, .num_micro_batches = 3});
  straight.begin_window({.micro_batch_samples = 24, .num_micro_batches = 1});
  const std::vector<uint64_t> both = ids_of(straight), second = ids_of(one);
  BOOST_TEST(std::equal(second.begin(), second.end(), both.begin() + 12));
}

BOOST_AUTO_TEST_CASE(the_next_window_is_read_while_this_one_is_used) {
  options.prefetch_batches = 4;
  DataPipeline one = pipeline();
  one.begin_window({.micro_batch_samples = 2, .num_micro_batches = 1});
  one.next();
  // 2 samples were handed out; 4 batches more are on their way without anybody asking.
  while (source.samples_read < 10) std::this_thread::yield();
  one.commit_window();
  one.begin_window({.micro_batch_samples = 2, .num_micro_batches = 1});
  one.next();
  BOOST_TEST(one.report().batches == 2u);
  BOOST_TEST(one.report().samples == 4u);
  BOOST_TEST(one.report().bytes == 4u * (64 + 12));
}

BOOST_AUTO_TEST_CASE(a_failing_read_reaches_next_and_the_window_can_be_begun_again) {
  make_ids(source);
  std::atomic<bool> is_broken = true;
  source.before_sample = [&](uint64_t) { return is_broken ? TRAINHOST_DATA_LOSS : TRAINHOST_OK; };
  DataPipeline one = pipeline();
  const WindowShape shape{.micro_batch_samples = 4, .num_micro_batches = 2};
  one.begin_window(shape);
  BOOST_TEST(contains(message_of(ExitCode::kData, [&] { one.next(); }), "sample"));
  BOOST_TEST(contains(message_of(ExitCode::kData, [&] { one.next(); }), "sample"));
  is_broken = false;
  one.begin_window(shape);
  BOOST_TEST(ids_of(one).size() == 8u);
}

BOOST_AUTO_TEST_CASE(cancelling_ends_a_waiting_next_and_the_reading) {
  source.before_sample = [&](uint64_t) -> trainhost_status {
    while (!source.is_call_cancelled()) std::this_thread::yield();
    return TRAINHOST_CANCELLED;
  };
  DataPipeline one = pipeline();
  one.begin_window({.micro_batch_samples = 4, .num_micro_batches = 2});
  std::jthread canceller([&] {
    while (source.samples_read == 0) std::this_thread::yield();
    one.cancel();
  });
  BOOST_TEST(contains(message_of(ExitCode::kAborted, [&] { one.next(); }), "cancelled"));
}

BOOST_AUTO_TEST_CASE(closing_does_not_wait_for_samples_that_nobody_wants) {
  source.before_sample = [&](uint64_t) -> trainhost_status {
    while (!source.is_call_cancelled()) std::this_thread::yield();
    return TRAINHOST_CANCELLED;
  };
  DataPipeline one = pipeline();
  one.begin_window({.micro_batch_samples = 4, .num_micro_batches = 2});
  while (source.samples_read == 0) std::this_thread::yield();
}

BOOST_AUTO_TEST_CASE(closing_ends_the_pause_before_a_retry) {
  source.before_sample = [&](uint64_t) { return TRAINHOST_UNAVAILABLE; };
  DataPipeline one = pipeline();
  one.begin_window({.micro_batch_samples = 4, .num_micro_batches = 2});
  while (source.samples_read == 0) std::this_thread::yield();
}

BOOST_AUTO_TEST_CASE(windows_that_make_no_sense_are_refused) {
  DataPipeline one = pipeline();
  for (const WindowShape& shape : {WindowShape{4, 0, 0, 0}, WindowShape{4, 1, 1, 0}, WindowShape{0, 1, 0, 0}, WindowShape{1u << 31, 1u << 31, 0, 0}}) {
    BOOST_TEST(contains(message_of(ExitCode::kConfig, [&] { one.begin_window(shape); }), "window: "));
  }
}

BOOST_AUTO_TEST_CASE(a_position_of_other_data_is_refused) {
  DataPipeline one = pipeline();
  BOOST_TEST(contains(message_of(ExitCode::kData, [&] { one.seek({0, 100, 100}); }), "100 samples"));
}

BOOST_AUTO_TEST_CASE(random_keys_change_with_the_epoch) {
  source.fields = {{"key", TRAINHOST_FIELD_INPUT, kInt64, {1}, {}}};
  source.num_samples = 1;
  source.value = [](uint64_t, uint64_t key, size_t, size_t) { return static_cast<int64_t>(key); };
  DataPipeline one = pipeline();
  one.begin_window({.micro_batch_samples = 2, .num_micro_batches = 1});
  const std::vector<uint64_t> keys = ids_of(one);
  BOOST_TEST(keys.at(0) == sample_key(5, 0, 0));
  BOOST_TEST(keys.at(1) == sample_key(5, 1, 0));
}

BOOST_AUTO_TEST_SUITE_END()
