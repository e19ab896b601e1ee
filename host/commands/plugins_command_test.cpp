// What `plugins list` and `plugins info` print, over the plugins of the zoo.
#include "commands/plugins_command.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <sstream>

#include <unistd.h>

namespace trainhost {
BOOST_AUTO_TEST_SUITE(plugins_command_test)

namespace {

// Every file of the zoo: good ones, broken ones.
PluginCatalog zoo() {
  const std::vector<std::filesystem::path> folders = {std::filesystem::path(TRAINHOST_BUILD_DIR) / "zoo"};
  return PluginCatalog::scan(folders, HostAbi{1, 0, "none"});
}

std::string list(bool as_json) {
  std::ostringstream out;
  print_plugin_list(zoo(), as_json, out);
  return out.str();
}

std::string info(std::string_view wanted, bool as_json = false) {
  PluginCatalog catalog = zoo();
  std::ostringstream out;
  print_plugin_info(catalog, wanted, as_json, out);
  return out.str();
}

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_CASE(the_list_is_a_table_with_the_broken_files_at_the_end) {
  const std::string text = list(false);
  BOOST_TEST(text.starts_with("NAME"));
  BOOST_TEST(holds(text, "nearly_good.so"));
  BOOST_TEST(holds(text, "One of the zoo"));
  BOOST_TEST(text.find("foreign.so: is a shared library, but no trainhost plugin") > text.find("\nBroken:\n"));
  BOOST_TEST(holds(text, "minor_9.so: needs host ABI 1.9, this host has 1.0"));
}

BOOST_AUTO_TEST_CASE(the_list_names_plugins_that_stand_in_two_files) {
  const auto zoo_folder = std::filesystem::path(TRAINHOST_BUILD_DIR) / "zoo";
  const auto other = std::filesystem::temp_directory_path() / format("trainhost-twins-{}", ::getpid());
  std::filesystem::create_directories(other);
  std::filesystem::copy_file(zoo_folder / "good.so", other / "twin.so", std::filesystem::copy_options::overwrite_existing);
  const std::vector<std::filesystem::path> folders = {zoo_folder, other};
  std::ostringstream out;
  print_plugin_list(PluginCatalog::scan(folders), false, out);
  std::filesystem::remove_all(other);
  BOOST_TEST(holds(out.str(), "\nIn two files (remove one, or ask for it by its path):\n  stopping_rule/good  "));
  BOOST_TEST(holds(out.str(), "twin.so\n\nBroken:"));
}

BOOST_AUTO_TEST_CASE(the_list_as_json) {
  const nlohmann::json all = nlohmann::json::parse(list(true));
  BOOST_TEST(all["folders"].size() == 1);
  BOOST_TEST(all["broken"].size() > 5);
  const auto& first = all["plugins"][0];
  BOOST_TEST(first["kind"] == "precision_policy");
  BOOST_TEST(first["name"] == "zoo_policy");
  BOOST_TEST(first["tier"] == "T0");
  BOOST_TEST(first["sha256"].get<std::string>().size() == 64);
}

BOOST_AUTO_TEST_CASE(info_shows_keys_with_types_defaults_and_meaning) {
  const std::string text = info("goods");
  BOOST_TEST(text.starts_with("stopping_rule/goods 1.2.3\nOne of the zoo\n"));
  BOOST_TEST(holds(text, "T0, plain C ABI"));
  BOOST_TEST(holds(text, "patience   integer from 1"));
  BOOST_TEST(holds(text, "(required)  evaluations to wait"));
  BOOST_TEST(holds(text, "behaviour  one of \"\", throws, says_no  \"\"          how to misbehave"));
}

BOOST_AUTO_TEST_CASE(info_shows_schemes_needs_and_upstreams) {
  BOOST_TEST(holds(info("zoo_backend"), "zoo, menagerie"));
  BOOST_TEST(holds(info("zoo_accum"), "trainhost.memory/1"));
  BOOST_TEST(holds(info("zoo_wrapper"), "1 of its kind"));
  BOOST_TEST(holds(info("zoo_wrapper"), "No config keys."));
  BOOST_TEST(nlohmann::json::parse(info("zoo_wrapper", true))["decorates"] == 1);
}

BOOST_AUTO_TEST_CASE(info_of_a_broken_file_is_its_error) {
  BOOST_CHECK_EXCEPTION(info(std::string(TRAINHOST_BUILD_DIR) + "/zoo/foreign.so"), Error,
                        [](const Error& error) { return error.code() == ExitCode::kPlugin; });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
