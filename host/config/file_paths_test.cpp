// What a relative path of a plugin is relative to.
#include "config/file_paths.h"

#include <boost/test/unit_test.hpp>

#include "config/config_testing.h"

namespace trainhost {
BOOST_AUTO_TEST_SUITE(file_paths_test)

namespace {

using nlohmann::json;

}  // namespace

BOOST_AUTO_TEST_CASE(paths_in_a_file_are_relative_to_it_also_in_an_included_one) {
  const TemporaryFolder folder;
  folder.write("base/common.toml",
               "plugins_lock = \"../x.lock\"\nplugins = [\"amp\", \"precision_policy/amp\", \"./a.so\", \"sub/b.so\", \"/abs/c.so\", \"d.so\"]\n");
  folder.write("a.toml",
               "include = [\"base/common.toml\"]\nplugin_path = [\"mine\", \"/theirs\", \".\"]\nname = \"./a.so\"\n[data]\ndecorators = [\"../c.so\"]\n[model]\ninit_from = \"w/model.safetensors\"\n");
  ConfigTree tree;
  tree.add_file(folder.path() / "a.toml");
  const std::string here = folder.path().string();
  BOOST_TEST(*tree.find({"plugin_path"}) == json({here + "/mine", "/theirs", here + "/"}));
  BOOST_TEST(*tree.find({"plugins_lock"}) == here + "/x.lock");
  BOOST_TEST(*tree.find({"plugins"}) == json({"amp", "precision_policy/amp", here + "/base/a.so", here + "/base/sub/b.so", "/abs/c.so", "d.so"}));
  BOOST_TEST(*tree.find({"data", "decorators"}) == json({folder.path().parent_path().string() + "/c.so"}));
  BOOST_TEST(*tree.find({"name"}) == "./a.so");
  BOOST_TEST(*tree.find({"model", "init_from"}) == here + "/w/model.safetensors");
}

BOOST_AUTO_TEST_CASE(a_uri_is_no_path) {
  const TemporaryFolder folder;
  folder.write("a.toml", "[model]\ninit_from = \"s3://bucket/run\"\n");
  ConfigTree tree;
  tree.add_file(folder.path() / "a.toml");
  BOOST_TEST(*tree.find({"model", "init_from"}) == "s3://bucket/run");
}

BOOST_AUTO_TEST_CASE(what_somebody_types_is_relative_to_where_he_stands) {
  ConfigTree tree;
  tree.apply_override("plugin_path=[\"mine\"]");
  tree.set_flag({"plugins"}, {"./a.so", "amp"}, "--plugins ./a.so");
  const std::string here = std::filesystem::current_path().string();
  BOOST_TEST(*tree.find({"plugin_path"}) == json({here + "/mine"}));
  BOOST_TEST(*tree.find({"plugins"}) == json({here + "/a.so", "amp"}));
}

BOOST_AUTO_TEST_CASE(a_relative_path_in_the_environment_is_refused) {
  ConfigTree tree;
  const auto set = [&](const char* entry) { tree.add_environment(std::vector<std::string>{entry}); };
  set("TRAINHOST__PLUGIN_PATH=[\"/theirs\"]");
  set("TRAINHOST__PLUGINS=[\"amp\"]");
  BOOST_TEST(message_of([&] { set("TRAINHOST__PLUGIN_PATH=[\"/theirs\", \"mine\"]"); }) ==
             "environment TRAINHOST__PLUGIN_PATH: plugin_path has a relative path, which would mean another place in each working folder; write it from / on");
  BOOST_TEST(message_of([&] { set("TRAINHOST__PLUGINS=[\"./a.so\"]"); }).find("has a relative path") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
