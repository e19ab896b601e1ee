// Batches: what the source wrote stands where it belongs; what went wrong is named.
#include "data/batch_reader.h"

#include <boost/test/unit_test.hpp>

#include "data/testing/fake_source.h"

using namespace trainhost;
using namespace trainhost::testing;

namespace {

struct BatchReaderFixture {
  FakeSource source;
  FakeDevice device;
  Staging staging{device, uint64_t{1} << 30};
  Cancellation cancellation;
  std::atomic<uint64_t> progress = 0;

  FakeBatch read(const std::vector<uint64_t>& ids) {
    FakeBatch batch;
    batch.host = BatchReader(source.source(), "train", staging, 0).read({ids, std::vector<uint64_t>(ids.size(), 0)}, cancellation, progress).batch;
    return batch;
  }
  std::string error(ExitCode code, const std::vector<uint64_t>& ids) {
    return message_of(code, [&] { read(ids); });
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(batch_reader_test, BatchReaderFixture)

BOOST_AUTO_TEST_CASE(samples_stand_one_behind_the_other) {
  const FakeBatch batch = read({7, 2});
  BOOST_TEST(batch.host.num_samples == 2u);
  BOOST_TEST(batch.host.num_targets == 6u);
  const std::vector<int64_t> x_shape{2, 8}, y_shape{2, 3};
  BOOST_TEST(batch.host.fields[0].shape == x_shape, boost::test_tools::per_element());
  BOOST_TEST(batch.host.fields[1].shape == y_shape, boost::test_tools::per_element());
  const auto x = batch.field<int64_t>(0);
  const auto y = batch.field<int32_t>(1);
  for (size_t i = 0; i < 16; ++i) BOOST_TEST(x[i] == source.value(i < 8 ? 7 : 2, 0, 0, i % 8));
  for (size_t i = 0; i < 6; ++i) BOOST_TEST(y[i] == source.value(i < 3 ? 7 : 2, 0, 1, i % 3));
}

BOOST_AUTO_TEST_CASE(scalars_are_gathered) {
  source.fields = {{"x", TRAINHOST_FIELD_INPUT, kUInt8, {}, {}}, {"y", TRAINHOST_FIELD_TARGET, kInt64, {}, {}}};
  const FakeBatch batch = read({1, 2, 3});
  BOOST_TEST(batch.host.fields[1].shape.size() == 1u);
  BOOST_TEST(batch.field<int64_t>(1)[2] == source.value(3, 0, 1, 0));
  BOOST_TEST(batch.host.num_targets == 3u);
}

BOOST_AUTO_TEST_CASE(varying_samples_are_padded_to_the_longest_of_the_batch) {
  source.fields = {{"tokens", TRAINHOST_FIELD_INPUT, kInt32, {-1}, {9}, 0, 0}, {"targets", TRAINHOST_FIELD_TARGET, kInt32, {-1}, {9}, 0, -1}};
  source.size_of = [](uint64_t id) { return static_cast<int64_t>(id); };
  const FakeBatch batch = read({2, 4, 0});
  const std::vector<int64_t> shape{3, 4};
  BOOST_TEST(batch.host.fields[1].shape == shape, boost::test_tools::per_element());
  const auto v = [&](uint64_t id, size_t element) { return static_cast<int32_t>(source.value(id, 0, 1, element)); };
  const std::vector<int32_t> expected{v(2, 0), v(2, 1), -1, -1, v(4, 0), v(4, 1), v(4, 2), v(4, 3), -1, -1, -1, -1};
  BOOST_TEST(batch.field<int32_t>(1) == expected, boost::test_tools::per_element());
  BOOST_TEST(batch.host.num_targets == 6u);
}

BOOST_AUTO_TEST_CASE(a_batch_of_empty_samples_is_possible) {
  source.fields = {{"y", TRAINHOST_FIELD_TARGET, kInt32, {-1}, {9}, 0, -1}};
  source.size_of = [](uint64_t) { return 0; };
  BOOST_TEST(read({1, 2}).host.fields[0].bytes == 0u);
}

BOOST_AUTO_TEST_CASE(an_integer_that_is_no_class_names_set_source_sample_field_and_value) {
  source.fields[1].num_classes = 10;
  source.value = [](uint64_t id, uint64_t, size_t, size_t element) { return id == 5 && element == 2 ? 10 : 9; };
  const std::string message = error(ExitCode::kData, {4, 5});
  for (const char* part : {"train", "data_source/fake", "sample 5", "'y'", "10", "element 2"}) BOOST_TEST(contains(message, part), message);
}

BOOST_AUTO_TEST_CASE(pad_values_are_no_strays) {
  source.fields[1].num_classes = 10;
  source.fields[1].pad_value = -100;
  source.value = [](uint64_t, uint64_t, size_t, size_t) { return -100; };
  BOOST_TEST(read({4}).host.num_samples == 1u);
}

BOOST_AUTO_TEST_CASE(a_damaged_sample_is_found_and_named) {
  source.before_sample = [](uint64_t id) { return id == 6 ? TRAINHOST_DATA_LOSS : TRAINHOST_OK; };
  const std::string message = error(ExitCode::kData, {4, 5, 6, 7});
  for (const char* part : {"train", "sample 6", "data_source/fake", "made to fail"}) BOOST_TEST(contains(message, part), message);
}

BOOST_AUTO_TEST_CASE(an_unavailable_source_is_asked_again) {
  int failures = 3;
  source.before_sample = [&](uint64_t) { return failures-- > 0 ? TRAINHOST_UNAVAILABLE : TRAINHOST_OK; };
  BOOST_TEST(read({1}).host.num_samples == 1u);
}

BOOST_AUTO_TEST_CASE(a_source_that_stays_unavailable_ends_with_exit_code_12) {
  int calls = 0;
  source.before_sample = [&](uint64_t) { return ++calls, TRAINHOST_UNAVAILABLE; };
  BOOST_TEST(contains(error(ExitCode::kData, {1}), "UNAVAILABLE"));
  BOOST_TEST(calls == 1 + BatchReader::kMaxRetries);
}

BOOST_AUTO_TEST_CASE(other_failures_are_not_tried_again) {
  int calls = 0;
  source.before_sample = [&](uint64_t) { return ++calls, TRAINHOST_PERMISSION_DENIED; };
  BOOST_TEST(contains(error(ExitCode::kData, {1}), "PERMISSION_DENIED"));
  BOOST_TEST(calls == 1);
}

BOOST_AUTO_TEST_CASE(a_field_that_is_left_out_or_comes_twice_is_the_plugins_fault) {
  source.skipped_field = 1;
  BOOST_TEST(contains(error(ExitCode::kPlugin, {1}), "without field 'y'"));
  FakeSource twice;
  twice.times_reserved = 2;
  const std::string message = message_of(ExitCode::kPlugin, [&] { BatchReader(twice.source(), "train", staging, 0).read({{1}, {0}}, cancellation, progress); });
  BOOST_TEST(contains(message, "reserved twice"), message);
}

BOOST_AUTO_TEST_CASE(a_pad_value_that_does_not_fit_its_format_is_refused_at_the_start) {
  source.fields = {{"y", TRAINHOST_FIELD_TARGET, kUInt8, {-1}, {9}, 0, -1}};
  BOOST_TEST(contains(message_of(ExitCode::kPlugin, [&] { BatchReader(source.source(), "train", staging, 0); }), "pad_value -1"));
}

BOOST_AUTO_TEST_SUITE_END()
