// Samples are pure functions of config and id, follow the promised rule, and have the promised shapes.
#include <trainhost/testing.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <numeric>

using namespace trainhost;
using namespace trainhost::testing;

namespace {

std::vector<std::uint64_t> ids_up_to(std::uint64_t count) {
  std::vector<std::uint64_t> ids(count);
  std::iota(ids.begin(), ids.end(), std::uint64_t{0});
  return ids;
}

std::vector<std::uint64_t> lengths(const PluginUnderTest& source, const std::vector<std::uint64_t>& ids) {
  std::vector<std::uint64_t> out(ids.size());
  call(source.table<trainhost_data_lengths>(TRAINHOST_DATA_LENGTHS).lengths, source.c(), ids.data(), std::uint64_t{ids.size()}, out.data());
  return out;
}

std::vector<char> bytes(const Sample& sample) {
  std::vector<char> out;
  for (const FieldValue& field : sample) out.insert(out.end(), field.data, field.data + field.num_bytes);
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(synthetic_test)

BOOST_AUTO_TEST_CASE(a_sample_depends_on_its_id_alone) {
  for (const char* config : {R"({"task":"tokens"})", R"({"task":"tokens","min_length":1})", R"({"task":"classes"})", R"({"task":"regression"})"}) {
    PluginUnderTest source, again;
    source.create(config).start();
    again.create(config).start();
    const auto one = read(source, {3, 5, 7}), other = read(again, {7, 3});
    BOOST_TEST((bytes(one[0]) == bytes(other[1])));
    BOOST_TEST((bytes(one[2]) == bytes(other[0])));
    BOOST_TEST((bytes(one[0]) != bytes(one[1])));
  }
}

// Computed by a separate program from the description: the same on every machine.
BOOST_AUTO_TEST_CASE(samples_are_the_recorded_ones) {
  PluginUnderTest source;
  source.create(R"({"task":"tokens","context_length":6})").start();
  const std::vector<std::uint8_t> expected{206, 70, 138, 220, 78, 195};
  BOOST_TEST(read(source, {0})[0][0].as<std::uint8_t>() == expected, boost::test_tools::per_element());
  source.create(R"({"task":"regression","features":2})").start();
  const auto samples = read(source, {1});  // a copy of one would point into the original
  const std::vector<float> x{-0.20482473075389862f, -2.197333335876465f};
  BOOST_TEST(samples[0][0].as<float>() == x, boost::test_tools::per_element());
  BOOST_TEST(samples[0][1].as<float>()[0] == -0.8234246373176575f);
}

BOOST_AUTO_TEST_CASE(tokens_follow_a_permutation_except_for_the_noise) {
  PluginUnderTest source;
  source.create(R"({"task":"tokens","vocabulary":32,"noise":0.1,"context_length":64})").start();
  std::map<std::pair<int, int>, int> pairs;
  int total = 0;
  for (const Sample& sample : read(source, ids_up_to(500))) {
    const auto tokens = sample[0].as<std::uint8_t>(), targets = sample[1].as<std::uint8_t>();
    BOOST_REQUIRE(std::equal(tokens.begin() + 1, tokens.end(), targets.begin()));
    for (std::size_t i = 0; i < tokens.size(); ++i) ++pairs[{tokens[i], targets[i]}], ++total;
  }
  int expected = 0;  // the most frequent successor of each token
  for (int token = 0; token < 32; ++token) {
    int most = 0;
    for (int target = 0; target < 32; ++target) most = std::max(most, pairs[{token, target}]);
    expected += most;
  }
  // 0.9 + 0.1 / 32 = 0.903; 32,000 draws have a deviation of 0.0017.
  BOOST_TEST(static_cast<double>(expected) / total > 0.895);
  BOOST_TEST(static_cast<double>(expected) / total < 0.911);
}

BOOST_AUTO_TEST_CASE(classes_are_all_used_and_in_range) {
  PluginUnderTest source;
  source.create(R"({"task":"classes","classes":4})").start();
  int counts[4] = {};
  for (const Sample& sample : read(source, ids_up_to(1000))) ++counts[static_cast<std::size_t>(sample[1].as<std::int64_t>().at(0))];
  BOOST_TEST(*std::min_element(counts, counts + 4) > 50);
}

BOOST_AUTO_TEST_CASE(inputs_are_standard_normal) {
  PluginUnderTest source;
  source.create(R"({"task":"regression","features":100})").start();
  double sum = 0, squares = 0;
  for (const Sample& sample : read(source, ids_up_to(1000))) {
    for (const float value : sample[0].as<float>()) sum += value, squares += value * value;
  }
  BOOST_TEST(std::abs(sum / 1e5) < 0.015);  // deviation 0.0032
  BOOST_TEST(std::abs(squares / 1e5 - 1) < 0.02);
}

BOOST_AUTO_TEST_CASE(lengths_are_those_of_the_samples) {
  PluginUnderTest source;
  source.create(R"({"task":"tokens","context_length":20,"min_length":3})").start();
  const auto ids = ids_up_to(200);
  const auto told = lengths(source, ids);
  const auto samples = read(source, ids);
  for (std::size_t i = 0; i < ids.size(); ++i) BOOST_REQUIRE(static_cast<std::uint64_t>(samples[i][1].shape[0]) == told[i]);
  BOOST_TEST(*std::min_element(told.begin(), told.end()) == 3u);
  BOOST_TEST(*std::max_element(told.begin(), told.end()) == 20u);
}

BOOST_AUTO_TEST_CASE(another_range_shares_the_rule_and_not_the_samples) {
  PluginUnderTest train, heldout;
  train.create(R"({"task":"regression","noise":0})").start();
  heldout.create(R"({"task":"regression","noise":0,"first_id":5})").start();
  BOOST_TEST((bytes(read(train, {5})[0]) == bytes(read(heldout, {0})[0])));
}

BOOST_AUTO_TEST_CASE(fingerprint_changes_with_the_config) {
  PluginUnderTest one, other;
  const auto print = [](PluginUnderTest& source, const char* config) {
    const trainhost_source_info info = source_info(source.create(config).start());
    return std::string(reinterpret_cast<const char*>(info.fingerprint), sizeof info.fingerprint);
  };
  BOOST_TEST((print(one, "{}") == print(other, "{}")));
  BOOST_TEST((print(one, "{}") != print(other, R"({"seed":1})")));
}

BOOST_AUTO_TEST_CASE(lengths_that_cannot_be_are_refused) {
  PluginUnderTest source;
  BOOST_TEST(status_of([&] { source.create(R"({"context_length":4,"min_length":5})"); }) == TRAINHOST_INVALID_ARGUMENT);
}

BOOST_AUTO_TEST_SUITE_END()
