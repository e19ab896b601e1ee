// What a plugin file looks like from outside: records, descriptors, symbols, schema.
#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <trainhost/testing.hpp>

using namespace trainhost::testing;
using nlohmann::json;

namespace {

std::string output_of(const std::string& command) {
  std::string out;
  FILE* pipe = popen(command.c_str(), "r");
  for (int c; (c = std::fgetc(pipe)) != EOF;) out += static_cast<char>(c);
  BOOST_REQUIRE(pclose(pipe) == 0);
  return out;
}

json metadata(const char* name) { return json::parse(trainhost::view(PluginFile(plugin_file()).descriptor(name).metadata_json)); }

}  // namespace

BOOST_AUTO_TEST_SUITE(plugin_file_test)

BOOST_AUTO_TEST_CASE(the_section_holds_the_very_bytes_of_the_descriptors) {
  const PluginFile file(plugin_file());
  std::vector<std::string> described;
  for (std::uint32_t i = 0; i < file.entry().num_descriptors; ++i) described.emplace_back(trainhost::view(file.entry().descriptors[i]->metadata_json));
  auto records = file.metadata_records();
  std::sort(records.begin(), records.end()), std::sort(described.begin(), described.end());
  BOOST_TEST(records == described, boost::test_tools::per_element());
  BOOST_TEST(described.size() == 6u);
}

BOOST_AUTO_TEST_CASE(one_symbol_is_exported_and_none_is_unique) {
  const std::string defined = output_of("nm -D --defined-only --format=posix '" + plugin_file() + "'");
  BOOST_TEST(defined.substr(0, defined.find(' ')) == "trainhost_plugin_entry_1");
  BOOST_TEST(std::count(defined.begin(), defined.end(), '\n') == 1);
  const std::string all = output_of("nm --format=posix '" + plugin_file() + "'");
  BOOST_TEST(all.find(" u ") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(metadata_says_what_the_definition_says) {
  const json shelf = metadata("shelf");
  BOOST_TEST(shelf["abi"] == 1);
  BOOST_TEST(shelf["min_host_minor"] == 0);
  BOOST_TEST(shelf["kind"] == "checkpoint_backend");
  BOOST_TEST(shelf["version"] == "2.0.0");
  BOOST_TEST(shelf["schemes"] == json({"shelf", "mem"}));
  BOOST_TEST(shelf["torch_build"].is_null());
  BOOST_TEST(shelf["stateful"] == false);
  BOOST_TEST(metadata("keeper")["stateful"] == true);  // it overrides save and load
  BOOST_TEST(metadata("probing")["needs"] == json({"trainhost.memory/1"}));
  BOOST_TEST(metadata("probing")["decorates"] == 1);
}

BOOST_AUTO_TEST_CASE(the_schema_is_what_the_keys_say) {
  const json schema = metadata("echo")["schema"];
  BOOST_TEST(schema["additionalProperties"] == false);
  BOOST_TEST(schema["required"] == json({"flag", "count"}));
  BOOST_TEST(schema["x-alternatives"] == json::parse(R"([["maybe_huge","maybe_rate"]])"));
  const json& keys = schema["properties"];
  BOOST_TEST(keys["flag"] == json::parse(R"({"type":"boolean","description":""})"));
  BOOST_TEST(keys["small"] == json::parse(R"({"type":"integer","minimum":-5,"maximum":1500000,"default":-3,"description":"a \"small\" number"})"));
  BOOST_TEST(keys["count"] == json::parse(R"({"type":"integer","minimum":0,"description":""})"));
  BOOST_TEST(keys["wide"]["default"] == -9007199254740993);
  BOOST_TEST(keys["huge"]["default"] == 18446744073709551615u);
  BOOST_TEST(keys["rate"] == json::parse(R"({"type":"number","exclusiveMinimum":0,"exclusiveMaximum":0.001,"default":3e-4,"description":""})"));
  BOOST_TEST(keys["text"] == json({{"type", "string"}, {"default", "say \"hi\"\n\x01 ü"}, {"x-secret", true}, {"x-trajectory", false}, {"description", ""}}));
  BOOST_TEST(keys["choice"]["enum"] == json({"auto", "never"}));
  BOOST_TEST(keys["sizes"] == json::parse(R"({"type":"array","items":{"type":"integer","minimum":1},"default":[64,128],"description":""})"));
  BOOST_TEST(keys["betas"]["default"] == json::parse("[0.9,0.999]"));
  BOOST_TEST(keys["maybe_rate"] == json::parse(R"({"type":"number","description":""})"));
  BOOST_TEST(keys["maybe_small"]["default"] == 7);
}

BOOST_AUTO_TEST_CASE(a_foreign_descriptor_and_a_foreign_host_are_refused) {
  const PluginFile file(plugin_file());
  trainhost_descriptor foreign = file.descriptor("echo");
  FakeHost host;
  trainhost_instance* instance = nullptr;
  const auto create = [&](const trainhost_host* its_host, const trainhost_descriptor* descriptor) {
    return status_of([&] { trainhost::call(file.entry().create, its_host, descriptor, trainhost::c_string("{}"), &instance); });
  };
  BOOST_TEST(create(host.c(), &foreign) == TRAINHOST_NOT_FOUND);
  trainhost_host other = *host.c();
  other.abi_major = 2;
  BOOST_TEST(create(&other, &file.descriptor("echo")) == TRAINHOST_FAILED_PRECONDITION);
  BOOST_TEST(instance == nullptr);
}

BOOST_AUTO_TEST_SUITE_END()
