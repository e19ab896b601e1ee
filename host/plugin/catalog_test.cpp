// Which file a word means.
#include "plugin/catalog.h"

#include "plugin/plugin_testing.h"

namespace trainhost {
BOOST_AUTO_TEST_SUITE(catalog_test)

namespace {

namespace fs = std::filesystem;

PluginCatalog scan(const std::vector<fs::path>& folders) { return PluginCatalog::scan(folders, HostAbi{1, 0, "none"}); }

}  // namespace

BOOST_AUTO_TEST_CASE(finds_by_name_and_by_kind_and_name_and_by_path) {
  const TemporaryFolder folder;
  const fs::path file = folder.add("good", "rule.so");
  folder.add("kinds", "kinds.so");
  folder.write("readme.txt", "not looked at");
  PluginCatalog catalog = scan({folder.path()});
  BOOST_TEST(catalog.records().size() == 7);
  BOOST_TEST(catalog.broken().empty());
  BOOST_TEST(catalog.find("good").file == file);
  BOOST_TEST(catalog.find("stopping_rule/good").file == file);
  BOOST_TEST(catalog.find(file.string()).name == "good");
  BOOST_TEST(catalog.find("zoo_wrapper").kind == "data_source");
}

BOOST_AUTO_TEST_CASE(records_stand_in_the_order_of_kinds_then_names) {
  std::string names;
  const TemporaryFolder folder;
  folder.add("good_observer", "0.so"), folder.add("nearly_good", "1.so"), folder.add("good", "2.so"), folder.add("kinds", "3.so");
  const PluginCatalog catalog = scan({folder.path()});
  for (const PluginRecord& record : catalog.records()) names += record.name + " ";
  BOOST_TEST(names == "zoo_policy zoo_accum zoo_source zoo_wrapper zoo_backend good goods zoo_rates good ");
}

BOOST_AUTO_TEST_CASE(an_unknown_name_brings_the_nearest_and_the_folders) {
  const TemporaryFolder folder;
  folder.add("good", "good.so");
  PluginCatalog catalog = scan({folder.path()});
  expect_error(ExitCode::kPlugin, {"unknown plugin \"god\"; did you mean \"good\"; looked in: " + folder.path().string()}, [&] { catalog.find("god"); });
  expect_error(ExitCode::kPlugin, {"did you mean \"stopping_rule/good\""}, [&] { catalog.find("stoping_rule/good"); });
  expect_error(ExitCode::kPlugin, {"; known: good; looked in: "}, [&] { catalog.find("something"); });
  PluginCatalog nothing = scan({});
  expect_error(ExitCode::kPlugin, {"unknown plugin \"amp\"; none is installed; looked in: none"}, [&] { nothing.find("amp"); });
}

BOOST_AUTO_TEST_CASE(a_name_of_two_kinds_must_be_said_in_full) {
  const TemporaryFolder folder;
  folder.add("good", "rule.so"), folder.add("good_observer", "observer.so");
  PluginCatalog catalog = scan({folder.path()});
  expect_error(ExitCode::kPlugin, {"plugin \"good\" may be stopping_rule/good or observer/good"}, [&] { catalog.find("good"); });
  BOOST_TEST(catalog.find("observer/good").kind == "observer");
}

BOOST_AUTO_TEST_CASE(two_files_with_one_plugin_hurt_only_who_asks_for_it) {
  const TemporaryFolder folder;
  const fs::path first = folder.add("good", "a.so"), second = folder.add("good", "b.so");
  folder.add("nearly_good", "c.so");
  PluginCatalog catalog = scan({folder.path()});
  BOOST_TEST(catalog.find("goods").name == "goods");
  expect_error(ExitCode::kPlugin, {"plugin stopping_rule/good stands in two files: ", first.string(), second.string(), "ask for it by its path"},
               [&] { catalog.find("good"); });
  BOOST_TEST(catalog.find(second.string()).file == second);
  BOOST_TEST(catalog.find("good").file == second);  // the path has decided
}

BOOST_AUTO_TEST_CASE(the_same_file_reached_twice_is_one) {
  const TemporaryFolder folder;
  folder.add("good", "good.so");
  fs::create_symlink(folder.path() / "good.so", folder.path() / "link.so");
  PluginCatalog catalog = scan({folder.path(), folder.path()});
  BOOST_TEST(catalog.records().size() == 1);
  BOOST_TEST(catalog.find("good").name == "good");
}

BOOST_AUTO_TEST_CASE(a_broken_file_is_kept_and_named_when_asked_for) {
  const TemporaryFolder folder;
  folder.add("good", "good.so"), folder.add("minor_9", "newer.so");
  const fs::path cut = folder.write("stopping_rule-half.so", read_file(zoo_file("good")).substr(0, 5000));
  PluginCatalog catalog = scan({folder.path()});
  BOOST_TEST(catalog.records().size() == 1);
  BOOST_TEST(catalog.broken().size() == 2);
  BOOST_TEST(catalog.find("good").name == "good");
  expect_error(ExitCode::kPlugin, {"plugin \"minor_nine\": ", "newer.so: needs host ABI 1.9, this host has 1.0"}, [&] { catalog.find("minor_nine"); });
  expect_error(ExitCode::kPlugin, {"plugin \"half\": ", "stopping_rule-half.so: is truncated"}, [&] { catalog.find("half"); });
  expect_error(ExitCode::kPlugin, {"is truncated"}, [&] { catalog.find(cut.string()); });
}

BOOST_AUTO_TEST_CASE(a_path_needs_a_file_with_one_plugin) {
  PluginCatalog catalog = scan({});
  BOOST_TEST(catalog.find(zoo_file("good").string()).name == "good");
  BOOST_TEST(catalog.records().size() == 1);
  expect_error(ExitCode::kPlugin, {"kinds.so: holds 6 plugins: ", "precision_policy/zoo_policy", "add its folder to plugin_path"},
               [&] { catalog.find(zoo_file("kinds").string()); });
  expect_error(ExitCode::kPlugin, {"no.so: cannot be read: No such file"}, [&] { catalog.find("./no.so"); });
}

BOOST_AUTO_TEST_CASE(the_search_path_has_existing_folders_once) {
  const TemporaryFolder folder, other;
  ::setenv("TRAINHOST_PLUGIN_PATH", (folder.path().string() + "::/no/such/folder:" + folder.path().string() + "/.").c_str(), 1);
  const std::vector<fs::path> configured = {other.path(), folder.path()};
  std::vector<fs::path> path = plugin_search_path(configured);
  ::unsetenv("TRAINHOST_PLUGIN_PATH");
  std::erase(path, fs::weakly_canonical(program_folder() / "../plugins"));
  BOOST_TEST(path == (std::vector<fs::path>{fs::canonical(folder.path()), fs::canonical(other.path())}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(no_element_of_the_variable_means_the_working_folder) {
  for (const char* relative : {".", "plugins", "./plugins", "/usr::..", ":build/plugins:"}) {
    ::setenv("TRAINHOST_PLUGIN_PATH", relative, 1);
    expect_error(ExitCode::kConfig, {"TRAINHOST_PLUGIN_PATH: \"", "\" is relative", "write it from / on"}, [&] { plugin_search_path({}); });
  }
  const fs::path here = fs::canonical(fs::current_path());
  for (const char* empty : {"", ":", "::/no/such/folder:"}) {
    ::setenv("TRAINHOST_PLUGIN_PATH", empty, 1);
    for (const fs::path& folder : plugin_search_path({})) BOOST_TEST(folder != here);
  }
  ::unsetenv("TRAINHOST_PLUGIN_PATH");
}

BOOST_AUTO_TEST_CASE(a_word_without_a_slash_is_a_name_even_where_a_file_is_called_so) {
  const TemporaryFolder folder;
  const fs::path before = fs::current_path();
  folder.add("good", "good.so"), folder.add("good", "good");
  fs::current_path(folder.path());
  PluginCatalog catalog = scan({});
  expect_error(ExitCode::kPlugin, {"unknown plugin \"good.so\"", "write ./good.so"}, [&] { catalog.find("good.so"); });
  expect_error(ExitCode::kPlugin, {"unknown plugin \"good\""}, [&] { catalog.find("good"); });
  BOOST_TEST(catalog.find("./good.so").name == "good");
  fs::current_path(before);
}

BOOST_AUTO_TEST_CASE(a_file_that_everybody_may_write_to_is_broken_unless_that_is_allowed) {
  const TemporaryFolder folder;
  const fs::path file = folder.add("good", "good.so");
  folder.add("nearly_good", "other.so");
  fs::permissions(file, fs::perms::others_write, fs::perm_options::add);
  PluginCatalog catalog = scan({folder.path()});
  BOOST_TEST(catalog.find("goods").name == "goods");
  BOOST_REQUIRE(catalog.broken().size() == 1);
  BOOST_TEST((catalog.broken()[0].names == std::vector<std::string>{"stopping_rule/good"}));
  expect_error(ExitCode::kPlugin, {"plugin \"good\": " + file.string() + ": may be written to by everybody"}, [&] { catalog.find("good"); });
  expect_error(ExitCode::kPlugin, {": may be written to by everybody"}, [&] { catalog.find(file.string()); });
  const std::vector<fs::path> folders = {folder.path()};
  PluginCatalog trusting = PluginCatalog::scan(folders, HostAbi{1, 0, "none"}, WritableFiles::kAllowed);
  BOOST_TEST(trusting.find("good").name == "good");
  BOOST_TEST(trusting.broken().empty());
}

BOOST_AUTO_TEST_CASE(all_files_of_a_folder_that_everybody_may_write_to_are_broken_also_those_that_links_lead_to) {
  const TemporaryFolder folder, elsewhere;
  const fs::path file = folder.add("good", "good.so");
  fs::create_symlink(elsewhere.add("nearly_good", "other.so"), folder.path() / "link.so");
  fs::permissions(folder.path(), fs::perms::others_write, fs::perm_options::add);
  PluginCatalog catalog = scan({folder.path()});
  BOOST_TEST(catalog.records().empty());
  expect_error(ExitCode::kPlugin, {file.string() + ": not loaded: " + folder.path().string() + ": may be written to by everybody"}, [&] { catalog.find("good"); });
  expect_error(ExitCode::kPlugin, {": not loaded: " + folder.path().string()}, [&] { catalog.find("goods"); });
}

BOOST_AUTO_TEST_CASE(a_configured_folder_must_exist) {
  const std::vector<fs::path> configured = {"/no/such/folder"};
  expect_error(ExitCode::kConfig, {"plugin_path: /no/such/folder is no folder"}, [&] { plugin_search_path(configured); });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
