// What records say, and which of them this host takes.
#include "plugin/metadata.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <nlohmann/json.hpp>

#include "plugin/plugin_testing.h"

namespace trainhost {
BOOST_AUTO_TEST_SUITE(metadata_test)

namespace {

struct BadFile {
  const char* name;
  std::vector<std::string_view> fragments;
  friend std::ostream& operator<<(std::ostream& out, const BadFile& file) { return out << file.name; }
};

const std::vector<BadFile> kBadFiles = {
    {"foreign", {"foreign.so: is a shared library, but no trainhost plugin", "take it out of the plugin folder"}},
    {"empty_section", {"section .trainhost.plugin is empty", "build it again"}},
    {"no_json", {"record 1", "is not JSON", "build it again"}},
    {"no_object", {"record 1", "is JSON, but no object"}},
    {"no_version", {"record 1", "lacks \"version\", wanted a string"}},
    {"bad_name", {"record 1", "\"name\": \"../x\"", "wanted [a-z0-9_]"}},
    {"major_2", {"stopping_rule/major_two speaks ABI 2, this host speaks ABI 1; update trainhost"}},
    {"minor_9", {"minor_9.so: needs host ABI 1.9, this host has 1.2; update trainhost or rebuild the plugin with TRAINHOST_TARGET_MINOR=2"}},
    {"unknown_kind", {"unknown plugin kind \"stoping_rule\"; did you mean \"stopping_rule\"?"}},
    {"other_torch", {"model/other_torch is built for another LibTorch: torch 2.10.0+cu128, this host has 2.11.0+cu130; build the plugin again"}},
    {"no_torch", {"optimizer/no_torch is of a kind that links LibTorch, but states no torch_build"}},
};

HostAbi host_1_2() { return {1, 2, "2.11.0+cu130;cuda=13.0;cxx11abi=1;sdk=0123456789ab"}; }

}  // namespace

BOOST_AUTO_TEST_CASE(a_record_has_all_that_the_file_says) {
  const std::vector<PluginRecord> records = read_plugin_file(zoo_file("good"));
  BOOST_REQUIRE(records.size() == 1);
  const PluginRecord& record = records[0];
  BOOST_TEST(record.full_name() == "stopping_rule/good");
  BOOST_TEST(record.version == "1.2.3");
  BOOST_TEST(record.summary == "One of the zoo");
  BOOST_TEST(record.tier() == "T0");
  BOOST_TEST(record.is_stateful);
  BOOST_TEST((*record.schema)["properties"]["patience"]["minimum"] == 1);
  BOOST_TEST(nlohmann::json::parse(record.metadata)["name"] == "good");
}

BOOST_AUTO_TEST_CASE(a_file_may_hold_many_records) {
  const std::vector<PluginRecord> records = read_plugin_file(zoo_file("kinds"));
  BOOST_REQUIRE(records.size() == 6);
  BOOST_TEST(zoo_record("kinds", "zoo_wrapper").decorates == 1);
  BOOST_TEST(zoo_record("kinds", "zoo_backend").schemes == (std::vector<std::string>{"zoo", "menagerie"}), boost::test_tools::per_element());
  BOOST_TEST(zoo_record("kinds", "zoo_accum").needs == (std::vector<std::string>{"trainhost.memory/1"}), boost::test_tools::per_element());
  BOOST_TEST(zoo_record("kinds", "zoo_rates").schema->empty());
}

BOOST_DATA_TEST_CASE(each_bad_file_is_refused_in_its_own_words, boost::unit_test::data::make(kBadFiles), bad) {
  const std::string message = expect_error(ExitCode::kPlugin, {}, [&] { read_plugin_file(zoo_file(bad.name), host_1_2()); });
  for (const std::string_view fragment : bad.fragments) BOOST_TEST(message.find(fragment) != std::string::npos, message << " lacks " << fragment);
}

BOOST_AUTO_TEST_CASE(the_first_difference_of_the_torch_builds_is_named) {
  PluginRecord record = zoo_record("other_torch");
  record.torch_build = "2.11.0+cu130;cuda=13.0;cxx11abi=1;sdk=ffffffffffff";
  expect_error(ExitCode::kPlugin, {"another LibTorch: sdk=ffffffffffff, this host has sdk=0123456789ab;"}, [&] { check_compatible(record, host_1_2()); });
  record.torch_build = "2.11.0+cu130";
  expect_error(ExitCode::kPlugin, {"another LibTorch: \"2.11.0+cu130\", this host has \"2.11.0+cu130;cuda="}, [&] { check_compatible(record, host_1_2()); });
  record.torch_build = host_1_2().torch_build;
  BOOST_CHECK_NO_THROW(check_compatible(record, host_1_2()));
  BOOST_TEST(record.tier() == "T2");
}

BOOST_AUTO_TEST_CASE(a_host_without_libtorch_says_that) {
  expect_error(ExitCode::kPlugin, {"this host is built without LibTorch", "TRAINHOST_TORCH=ON"}, [&] {
    check_compatible(zoo_record("other_torch"), HostAbi{1, 0, "none"});
  });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
