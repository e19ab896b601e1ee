// Sources through their C table: declarations are checked, samples land where the writer says, failures are exit 12.
#include "plugin/data_source.h"

#include <map>

#include "plugin/plugin_testing.h"

namespace trainhost {
BOOST_AUTO_TEST_SUITE(data_source_test)

namespace {

// Memory for each (sample, field), or none.
class MapWriter : public BatchWriter {
 public:
  void reserve(uint64_t sample_index, uint32_t field, std::span<const int64_t> shape, trainhost_tensor& out) override {
    if (is_full) throw Error(ExitCode::kOutOfMemory, "the pool is empty");
    std::vector<int64_t>& place = places[{sample_index, field}];
    place.assign(shape.empty() ? 1 : static_cast<size_t>(shape[0]), 0);
    out = {};
    out.data = place.data();
  }
  std::map<std::pair<uint64_t, uint32_t>, std::vector<int64_t>> places;
  bool is_full = false;
};

SourceInfo info(std::string_view behaviour) {
  const auto instance = zoo_instance("kinds", "zoo_source", behaviour);
  return DataSource(*instance).info();
}

MapWriter read(std::string_view behaviour, bool is_full = false) {
  const auto instance = zoo_instance("kinds", "zoo_source", behaviour);
  DataSource source(*instance);
  source.info();
  MapWriter writer;
  writer.is_full = is_full;
  const std::vector<uint64_t> ids = {9, 2}, keys = {70, 71};
  source.read(ids, keys, writer);
  return writer;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_declaration_comes_through) {
  const SourceInfo good = info("");
  BOOST_REQUIRE(good.fields.size() == 2);
  BOOST_TEST(good.fields[0].name == "tokens");
  BOOST_TEST(good.fields[0].shape[0] == -1);
  BOOST_TEST(good.fields[0].max_shape[0] == 16);
  BOOST_TEST(good.fields[1].shape.empty());
  BOOST_TEST(good.fields[1].role == TRAINHOST_FIELD_TARGET);
  BOOST_TEST(good.fields[1].pad_value == -1);
  BOOST_TEST(good.block_starts == (std::vector<uint64_t>{0, 4, 7}), boost::test_tools::per_element());
  BOOST_TEST(good.fingerprint[31] == 7);
}

BOOST_AUTO_TEST_CASE(a_declaration_that_makes_no_sense_is_refused) {
  const std::string_view place = "data_source/zoo_source: info: ";
  expect_error(ExitCode::kPlugin, {place, "declares 65 fields, wanted 1 to 64"}, [] { info("too_many_fields"); });
  expect_error(ExitCode::kPlugin, {place, "field 0 is damaged"}, [] { info("null_field"); });
  expect_error(ExitCode::kPlugin, {place, "field 0 (wide) has more than 2^48 elements"}, [] { info("wide_field"); });
  expect_error(ExitCode::kPlugin, {place, "declares two fields named \"label\""}, [] { info("twin_fields"); });
  expect_error(ExitCode::kPlugin, {place, "block 2 starts at sample 4, not after 4"}, [] { info("bad_blocks"); });
  expect_error(ExitCode::kData, {"data_source/zoo_source: has no samples; check the paths"}, [] { info("empty"); });
}

BOOST_AUTO_TEST_CASE(samples_land_in_the_memory_of_the_host) {
  const MapWriter writer = read("");
  BOOST_TEST(writer.places.at({0, 0}) == (std::vector<int64_t>{70, 70}), boost::test_tools::per_element());
  BOOST_TEST(writer.places.at({0, 1})[0] == 9);
  BOOST_TEST(writer.places.at({1, 0}).size() == 3);
}

BOOST_AUTO_TEST_CASE(a_reservation_outside_of_the_declaration_is_refused) {
  expect_error(ExitCode::kData, {"read: INVALID_ARGUMENT: shape[0] of field tokens is 17, declared at most 16"}, [] { read("too_long"); });
  expect_error(ExitCode::kData, {"read: INVALID_ARGUMENT: field 2 of 2 fields"}, [] { read("third_field"); });
}

BOOST_AUTO_TEST_CASE(damage_is_exit_12_with_its_status) {
  expect_error(ExitCode::kData, {"data_source/zoo_source: read: DATA_LOSS: shard 3 is cut"}, [] { read("damaged"); });
}

BOOST_AUTO_TEST_CASE(a_failure_of_the_host_itself_stays_what_it_was) {
  expect_error(ExitCode::kOutOfMemory, {"the pool is empty"}, [] { read("", true); });
  expect_error(ExitCode::kOutOfMemory, {"the pool is empty"}, [] { read("denies", true); });
}

BOOST_AUTO_TEST_CASE(calls_see_their_limits) {
  const std::atomic<bool> is_cancelled = true;
  const CallLimit outer(nullptr, 1);
  expect_error(ExitCode::kData, {"read: DEADLINE_EXCEEDED: too late"}, [] { read(""); });
  {
    const CallLimit inner(&is_cancelled);
    expect_error(ExitCode::kData, {"read: CANCELLED: gave up"}, [] { read(""); });
  }
  expect_error(ExitCode::kData, {"DEADLINE_EXCEEDED"}, [] { read(""); });
}

BOOST_AUTO_TEST_CASE(lengths_and_text_are_optional) {
  const auto source_instance = zoo_instance("kinds", "zoo_source");
  const DataSource source(*source_instance);
  BOOST_TEST(source.has_lengths());
  BOOST_TEST(source.lengths(std::vector<uint64_t>{3, 4}) == (std::vector<uint64_t>{4, 1}), boost::test_tools::per_element());
  BOOST_TEST(source.encode("ab").size() == 80);  // more than the host first made room for
  BOOST_TEST(source.encode("ab")[79] == 'b');
  BOOST_TEST(source.decode(std::vector<int64_t>{'h', 'i'}) == "hi");
  const auto unsteady = zoo_instance("kinds", "zoo_source", "unsteady");
  expect_error(ExitCode::kPlugin, {"encode: has no steady length"}, [&] { DataSource(*unsteady).encode("ab"); });
  const auto wrapper_instance = zoo_instance("kinds", "zoo_wrapper", "", {.upstreams = {source_instance.get()}});
  const DataSource wrapper(*wrapper_instance);
  BOOST_TEST(!wrapper.has_lengths());
  BOOST_TEST(!wrapper.has_text());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
