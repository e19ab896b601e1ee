// The observer writes its lines, goes on after a resume and says where it cannot write, asked through the C ABI as the host asks.
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <trainhost/testing.hpp>

using namespace trainhost::testing;

namespace {

struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string pattern = std::filesystem::temp_directory_path() / "my_plugin-XXXXXX";
    path = ::mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }

  // One process of a run that evaluates once.
  void run(const char* config, std::uint64_t step) const {
    PluginUnderTest observer;
    observer.host.run_folder = path.string();
    observer.create(config).start();
    on_event(observer, "step");
    on_event(observer, "evaluation", "{}", nullptr, {{.value = 2.5, .step = step}});
  }
  std::string text(const char* file) const {
    std::ifstream in(path / file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(my_plugin_test, Folder)

BOOST_AUTO_TEST_CASE(notes_evaluations_and_goes_on_in_the_same_file) {
  run("{}", 10);
  run("{}", 20);
  BOOST_TEST(text("evaluations.txt") == "step 10: loss of heldout is 2.5\nstep 20: loss of heldout is 2.5\n");
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_opened_is_named) {
  run(R"({"file": "other.txt"})", 10);
  BOOST_TEST(text("other.txt") != "");
  const std::string words = words_of([&] { run(R"({"file": "none/here.txt"})", 10); });
  BOOST_TEST(words == (path / "none/here.txt").string() + ": cannot be opened for appending; set another file");
}

BOOST_AUTO_TEST_SUITE_END()
