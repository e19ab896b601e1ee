// What is said of sound, broken and foreign files, without running any of them.
#include "commands/plugins_explain.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <fstream>
#include <sstream>

namespace trainhost {
BOOST_AUTO_TEST_SUITE(plugins_explain_test)

namespace {

namespace fs = std::filesystem;

const fs::path kZoo = fs::canonical(fs::path(TRAINHOST_BUILD_DIR) / "zoo");
const HostAbi kHost{1, 0, "none"};

PluginCatalog zoo() {
  const std::vector<fs::path> folders = {kZoo};
  return PluginCatalog::scan(folders, kHost);
}

Explanation explained(const fs::path& file, std::string_view only = "") { return explain_plugin_file(file, only, zoo(), kHost); }

// The only finding that is not met, as "what: words".
std::string complaint(const Explanation& explanation) {
  std::vector<std::string> unmet;
  const auto collect = [&](const std::vector<Explanation::Finding>& findings) {
    for (const auto& finding : findings)
      if (!finding.is_met) unmet.push_back(finding.what + ": " + finding.words);
  };
  collect(explanation.findings);
  for (const auto& plugin : explanation.plugins) collect(plugin.findings);
  BOOST_TEST(explanation.would_load() == unmet.empty());
  BOOST_TEST_REQUIRE(unmet.size() == 1u);
  return unmet.front();
}

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::string text_of(const std::string& wanted, ExitCode code, bool as_json = false) {
  Request request;
  request.command = "plugins";
  request.words = {"explain", wanted};
  request.is_json = as_json;
  PluginCatalog catalog = zoo();
  std::ostringstream out;
  BOOST_TEST((plugins_explain(request, catalog, out) == code), wanted);
  return out.str();
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_sound_plugin_would_load_and_each_condition_says_its_facts) {
  const Explanation explanation = explained(kZoo / "good.so");
  BOOST_TEST(explanation.would_load());
  BOOST_TEST_REQUIRE(explanation.plugins.size() == 1u);
  std::vector<std::string> names;
  for (const auto& finding : explanation.plugins[0].findings) names.push_back(finding.what);
  BOOST_TEST((names == std::vector<std::string>{"ABI major", "ABI minor", "kind", "LibTorch", "services", "name"}));
  BOOST_TEST(explanation.plugins[0].findings[1].words == "needs 1.0 or newer, this host has 1.0");
  BOOST_TEST((explanation.plugins[0].interfaces == std::vector<std::string>{"trainhost.stopping_rule/1", "trainhost.state/1"}));
}

BOOST_AUTO_TEST_CASE(what_does_not_hold_is_said_in_the_words_of_loading) {
  BOOST_TEST(complaint(explained(kZoo / "major_2.so")).starts_with("ABI major: " + (kZoo / "major_2.so").string() + ": stopping_rule/major_two speaks ABI 2"));
  BOOST_TEST(holds(complaint(explained(kZoo / "minor_9.so")), "ABI minor: "));
  BOOST_TEST(holds(complaint(explained(kZoo / "minor_9.so")), "needs host ABI 1.9, this host has 1.0; update trainhost or rebuild"));
  BOOST_TEST(holds(complaint(explained(kZoo / "unknown_kind.so")), "did you mean \"stopping_rule\"?"));
  BOOST_TEST(holds(complaint(explained(kZoo / "other_torch.so")), "LibTorch: "));
  BOOST_TEST(holds(complaint(explained(kZoo / "no_torch.so")), "states no torch_build"));
  BOOST_TEST(holds(complaint(explained(kZoo / "needs_more.so")), "services: "));
  BOOST_TEST(holds(complaint(explained(kZoo / "needs_more.so")), "needs the service trainhost.coffee/1, which this host has not for it"));
  BOOST_TEST(holds(complaint(explained(kZoo / "wrong_entry.so")), "entry: " + (kZoo / "wrong_entry.so").string() + ": exports no function"));
}

BOOST_AUTO_TEST_CASE(files_that_are_no_plugins_are_explained_too) {
  const fs::path text = fs::temp_directory_path() / format("trainhost-explain-{}.so", ::getpid());
  std::ofstream(text) << "no library";
  BOOST_TEST(holds(complaint(explained(text)), "is no ELF file"));
  fs::remove(text);
  BOOST_TEST(holds(complaint(explained(text)), "No such file"));
  BOOST_TEST(holds(complaint(explained(kZoo / "foreign.so")), "is a shared library, but no trainhost plugin"));
  BOOST_TEST(holds(complaint(explained(kZoo / "no_version.so")), "lacks \"version\""));
}

BOOST_AUTO_TEST_CASE(a_file_that_everybody_may_write_to_would_not_load) {
  const fs::path folder = fs::temp_directory_path() / format("trainhost-explain-{}", ::getpid()), file = folder / "good.so";
  fs::create_directories(folder);
  fs::copy_file(kZoo / "good.so", file, fs::copy_options::overwrite_existing);
  fs::permissions(file, fs::perms::others_write, fs::perm_options::add);
  BOOST_TEST(complaint(explained(file)).starts_with("trust: " + file.string() + ": may be written to by everybody"));
  fs::permissions(file, fs::perms::others_write, fs::perm_options::remove);
  BOOST_TEST(explained(file).would_load());
  fs::remove_all(folder);
}

BOOST_AUTO_TEST_CASE(of_a_file_with_several_plugins_a_name_means_one) {
  BOOST_TEST(explained(kZoo / "kinds.so").plugins.size() == 6u);
  const Explanation one = explained(kZoo / "kinds.so", "zoo_backend");
  BOOST_TEST_REQUIRE(one.plugins.size() == 1u);
  BOOST_TEST(one.plugins[0].record.full_name() == "checkpoint_backend/zoo_backend");
  BOOST_TEST(holds(complaint(explained(kZoo / "kinds.so", "zoo_accum")), "needs the service trainhost.memory/1"));
}

BOOST_AUTO_TEST_CASE(the_answer_is_a_line_for_each_condition_and_ends_with_the_verdict) {
  const std::string good = text_of("good", ExitCode::kDone);
  BOOST_TEST(good.starts_with((kZoo / "good.so").string() + "\n  ok  file "));
  BOOST_TEST(holds(good, "\nstopping_rule/good 1.2.3, T0\n  ok  ABI major "));
  BOOST_TEST(good.ends_with("\nwould load\n"));
  const std::string bad = text_of("minor_nine", ExitCode::kPlugin);
  BOOST_TEST(holds(bad, "\n  no  ABI minor  "));
  BOOST_TEST(bad.ends_with("\nwould not load\n"));
}

BOOST_AUTO_TEST_CASE(the_answer_as_json) {
  const auto all = nlohmann::json::parse(text_of((kZoo / "foreign.so").string(), ExitCode::kPlugin, true));
  BOOST_TEST_REQUIRE(all.size() == 1u);
  BOOST_TEST(all[0]["would_load"] == false);
  BOOST_TEST(all[0]["findings"][0]["is_met"] == false);
  BOOST_TEST(all[0]["plugins"].empty());
  const auto good = nlohmann::json::parse(text_of("good", ExitCode::kDone, true));
  BOOST_TEST(good[0]["plugins"][0]["plugin"] == "stopping_rule/good");
  BOOST_TEST(good[0]["plugins"][0]["interfaces"].size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_name_in_two_files_shows_both_and_would_not_load) {
  const fs::path other = fs::temp_directory_path() / format("trainhost-explain-{}", ::getpid());
  fs::create_directories(other);
  fs::copy_file(kZoo / "good.so", other / "twin.so", fs::copy_options::overwrite_existing);
  const std::vector<fs::path> folders = {kZoo, other};
  PluginCatalog catalog = PluginCatalog::scan(folders, kHost);
  Request request;
  request.words = {"explain", "good"};
  std::ostringstream out;
  BOOST_TEST((plugins_explain(request, catalog, out) == ExitCode::kPlugin));
  BOOST_TEST(holds(out.str(), "stopping_rule/good stands in two files: "));
  BOOST_TEST(holds(out.str(), (other / "twin.so").string()));
  BOOST_TEST(explain_plugin_file(other / "twin.so", "", catalog, kHost).would_load());  // its path means one
  fs::remove_all(other);
}

BOOST_AUTO_TEST_CASE(a_name_that_nothing_has_is_an_error_with_the_nearest) {
  BOOST_CHECK_EXCEPTION(text_of("goode", ExitCode::kDone), Error, [](const Error& error) { return holds(error.what(), "did you mean \"good\""); });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
