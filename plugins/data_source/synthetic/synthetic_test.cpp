// Samples are pure functions of config and id, follow the promised rule, and have the promised shapes.
#include <trainhost/testing.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
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

BOOST_AUTO_TEST_CASE(fields_are_those_of_the_config) {
  PluginUnderTest source;
  source.create(R"({"task":"fields","fields":["image float32 [3, 4]","label int64 [] role=target classes=5 pad=-100","mask bool [2] role=weight"]})").start();
  const trainhost_source_info info = source_info(source);
  BOOST_REQUIRE(info.num_fields == 3u);
  BOOST_TEST(view(info.fields[1]->name) == "label");
  BOOST_TEST(info.fields[1]->role == +TRAINHOST_FIELD_TARGET);
  BOOST_TEST(info.fields[1]->num_classes == 5);
  BOOST_TEST(info.fields[1]->pad_value == -100);
  BOOST_TEST(info.fields[0]->shape[1] == 4);
  std::map<std::int64_t, int> labels;
  double sum = 0;
  for (const Sample& sample : read(source, ids_up_to(1000))) {
    ++labels[sample[1].as<std::int64_t>().at(0)];
    for (const float value : sample[0].as<float>()) sum += value;
    BOOST_REQUIRE(sample[2].as<std::uint8_t>().at(0) <= 1);
  }
  BOOST_TEST(labels.size() == 5u);
  BOOST_TEST(labels.begin()->first == 0);
  BOOST_TEST(std::abs(sum / 12000) < 0.05);  // deviation 0.009
  BOOST_TEST(lengths(source, {7}).at(0) == 1u);
}

// Python's safetensors reads what was written, and compares with what is in the samples.
BOOST_AUTO_TEST_CASE(written_samples_are_those_that_are_read) {
  std::string folder = (std::filesystem::temp_directory_path() / "trainhost_synthetic_XXXXXX").string();
  mkdtemp(folder.data());
  const std::string file = folder + "/samples.safetensors";
  PluginUnderTest source;
  source.create(R"({"task":"fields","fields":["x float32 [2]","y int64 [] role=target classes=9"],"samples":3,"first_id":40,"write_to":")" + file + R"("})").start();
  std::string expected;
  for (const Sample& sample : read(source, {0, 1, 2}))
    expected += format(" {} {} {}", sample[0].as<float>()[0], sample[0].as<float>()[1], sample[1].as<std::int64_t>()[0]);
  const std::string script = R"(
import sys, numpy
from safetensors.numpy import load_file
got = load_file(sys.argv[1])
wanted = sys.argv[2].split()
assert got['x'].shape == (3, 2) and got['x'].dtype == numpy.float32 and got['y'].shape == (3,) and got['y'].dtype == numpy.int64, got
for i in range(3):
    assert [got['x'][i][0], got['x'][i][1]] == [numpy.float32(v) for v in wanted[3 * i : 3 * i + 2]] and got['y'][i] == int(wanted[3 * i + 2]), (got, wanted)
)";
  const std::string command = format("'{}' -c \"{}\" '{}' '{}'", std::getenv("TRAINHOST_PYTHON"), script, file, expected);
  BOOST_TEST(std::system(command.c_str()) == 0);
  std::filesystem::remove_all(folder);
}

BOOST_AUTO_TEST_CASE(every_class_of_a_target_counts_unless_the_line_says_otherwise) {
  PluginUnderTest source;
  source.create(R"({"task":"fields","fields":["a int64 [] role=target classes=5","b int64 [] role=target classes=5 pad=0","c int64 [] classes=5"]})").start();
  const trainhost_source_info info = source_info(source);
  BOOST_TEST((info.fields[0]->pad_value == -1 && info.fields[1]->pad_value == 0 && info.fields[2]->pad_value == 0));
}

BOOST_AUTO_TEST_CASE(fields_that_are_not_understood_are_refused_by_their_text) {
  PluginUnderTest source;
  const auto refused = [&](const std::string& field) { return words_of([&] { source.create(R"({"task":"fields","fields":[")" + field + R"("]})"); }); };
  for (const auto& [field, words] : std::map<std::string, std::string>{{"x", "no number format"},
                                                                       {"x float7 [2]", "\"float7\" is no number format"},
                                                                       {"x float32", "no sizes in brackets"},
                                                                       {"x float32 [0]", "sizes must be at least 1"},
                                                                       {"x float32 [4294967296, 2]", "at most 2^32"},
                                                                       {"x float32 [a]", "\"a\" is no number"},
                                                                       {"x int8 [] classes=0", "classes are at least 1"},
                                                                       {"x int8 [] role=teacher", "\"role=teacher\" is not understood"}})
    BOOST_TEST(refused(field).find(words) != std::string::npos, field << ": " << refused(field));
  BOOST_TEST(words_of([&] { source.create(R"({"task":"fields"})"); }).find("needs one text for each field") != std::string::npos);
  BOOST_TEST(words_of([&] { source.create(R"({"task":"tokens","write_to":"x"})"); }).find("belong to the task") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(lengths_that_cannot_be_are_refused) {
  PluginUnderTest source;
  BOOST_TEST(status_of([&] { source.create(R"({"context_length":4,"min_length":5})"); }) == TRAINHOST_INVALID_ARGUMENT);
}

BOOST_AUTO_TEST_SUITE_END()
