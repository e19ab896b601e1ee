// `plugins new` writes a whole folder or nothing, and says what is wrong.
#include "commands/plugins_new.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iostream>
#include <sstream>

#include "base/files.h"

namespace trainhost {
namespace {

namespace fs = std::filesystem;

struct Folder {
  fs::path path;
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "trainhost-new-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~Folder() { fs::remove_all(path); }

  Request request(const std::string& kind, const std::string& name) const {
    Request wanted;
    wanted.words = {"new", kind, name};
    wanted.out = path.string();
    return wanted;
  }
  std::string make(const Request& wanted, const PluginCatalog& catalog = {}) const {
    std::ostringstream out;
    std::streambuf* const before = std::cout.rdbuf(out.rdbuf());
    try {
      plugins_new(wanted, catalog);
    } catch (...) {
      std::cout.rdbuf(before);
      throw;
    }
    std::cout.rdbuf(before);
    return out.str();
  }
  // The message of a refusal, after which nothing must be left.
  std::string refusal(const Request& wanted, const PluginCatalog& catalog = {}) const {
    const size_t num_before = num_entries();
    try {
      make(wanted, catalog);
    } catch (const Error& error) {
      BOOST_TEST((error.code() == ExitCode::kConfig));
      BOOST_TEST(num_entries() == num_before);
      return error.what();
    }
    return "";
  }
  size_t num_entries() const { return static_cast<size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator())); }
};

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(plugins_new_test, Folder)

BOOST_AUTO_TEST_CASE(writes_the_folder_and_says_what_to_type_next) {
  const std::string text = make(request("stopping_rule", "patience"));
  BOOST_TEST(num_entries() == 1u);
  for (const char* name : {".gitignore", "CMakeLists.txt", "README.md", "example.toml", "patience.cpp", "patience_test.cpp"})
    BOOST_TEST(fs::exists(path / "patience" / name), name << " is missing");
  BOOST_TEST(holds(read_file(path / "patience/patience.cpp"), "class Patience final : public trainhost::StoppingRule"));
  BOOST_TEST(holds(text, "\n  cd " + (path / "patience").string() + "\n  cmake -S . -B build -DCMAKE_PREFIX_PATH="));
  BOOST_TEST(holds(text, "\n  TRAINHOST_PLUGIN_PATH=$PWD/build/plugins trainhost run example.toml\n"));
}

BOOST_AUTO_TEST_CASE(makes_the_folders_on_the_way) {
  Request wanted = request("observer", "notes");
  wanted.out = (path / "a/b").string();
  make(wanted);
  BOOST_TEST(fs::exists(path / "a/b/notes/notes.cpp"));
}

BOOST_AUTO_TEST_CASE(answers_as_json) {
  Request wanted = request("model", "tiny");
  wanted.is_json = true;
  const nlohmann::json answer = nlohmann::json::parse(make(wanted));
  BOOST_TEST(answer["folder"] == (path / "tiny").string());
  BOOST_TEST(answer["files"].size() == 6u);
  BOOST_TEST(answer["next"][1].get<std::string>().starts_with("cmake -S . -B build -DCMAKE_PREFIX_PATH="));
}

BOOST_AUTO_TEST_CASE(unknown_kinds_and_languages_are_refused_with_the_nearest) {
  BOOST_TEST(refusal(request("stoping_rule", "x")) == "command line: plugins new: unknown kind \"stoping_rule\"; did you mean \"stopping_rule\"?");
  Request wanted = request("observer", "x");
  wanted.language = "cp";
  BOOST_TEST(refusal(wanted) == "command line: plugins new: unknown language \"cp\"; did you mean \"cpp\"?");
  wanted = request("model", "x");
  wanted.language = "c";
  BOOST_TEST(holds(refusal(wanted), "a model works on tensors of LibTorch, which is C++, got --language c"));
}

BOOST_AUTO_TEST_CASE(bad_names_are_refused) {
  for (const char* name : {"", "Upper", "a-b", "a/b", "../a", "1st", "_a", "a b", "\xc3\xa4"})
    BOOST_TEST(holds(refusal(request("observer", name)), "wanted [a-z0-9_] that begins with a letter"), name);
  BOOST_TEST(holds(refusal(request("observer", std::string(65, 'a'))), "at most 64"));
  for (const char* name : {"checkpoint", "seed", "observer"})
    BOOST_TEST(holds(refusal(request("observer", name)), "has a meaning of its own in configs"), name);
  BOOST_TEST(holds(refusal(request("model", "freeze")), "has a meaning of its own in configs"));
  for (const char* name : {"config", "verdict"}) BOOST_TEST(holds(refusal(request("stopping_rule", name)), "a name that its template uses already"), name);
}

BOOST_AUTO_TEST_CASE(the_name_of_an_installed_plugin_is_refused) {
  const std::vector<fs::path> folders = {fs::path(TRAINHOST_BUILD_DIR) / "zoo"};
  const std::string words = refusal(request("observer", "zoo_policy"), PluginCatalog::scan(folders, HostAbi{1, 0, "none"}));
  BOOST_TEST(words.starts_with("command line: plugins new: precision_policy/zoo_policy is installed already, in "));
}

BOOST_AUTO_TEST_CASE(what_exists_is_left_alone) {
  fs::create_directory(path / "folder");
  std::ofstream(path / "file") << "mine";
  fs::create_symlink("nowhere", path / "link");
  for (const char* name : {"folder", "file", "link"})
    BOOST_TEST(refusal(request("observer", name)) == "command line: plugins new: " + (path / name).string() + " exists already; choose another name or --out");
  BOOST_TEST(read_file(path / "file") == "mine");
}

BOOST_AUTO_TEST_CASE(a_place_that_cannot_be_written_is_named_and_nothing_is_left) {
  std::ofstream(path / "file") << "mine";
  Request wanted = request("observer", "x");
  wanted.out = (path / "file").string();
  BOOST_TEST(holds(refusal(wanted), (path / "file").string()));
}

BOOST_AUTO_TEST_CASE(kind_and_name_are_both_needed) {
  Request wanted;
  wanted.words = {"new", "observer"};
  BOOST_TEST(refusal(wanted) == "command line: plugins new: wanted KIND and NAME, got 1 words");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
