// What `plugins new` would write: names, languages, the additions for LibTorch.
#include "commands/plugin_template.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

#include "plugin/kind.h"

namespace trainhost {
BOOST_AUTO_TEST_SUITE(plugin_template_test)

namespace {

std::string text_of(const std::vector<NewFile>& files, std::string_view name) {
  const auto found = std::find_if(files.begin(), files.end(), [&](const NewFile& file) { return file.name == name; });
  BOOST_TEST_REQUIRE((found != files.end()), name << " is missing");
  return found->text;
}

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_CASE(a_name_becomes_the_name_of_a_class) {
  BOOST_TEST(camel_case("my_plugin") == "MyPlugin");
  BOOST_TEST(camel_case("a") == "A");
  BOOST_TEST(camel_case("fp8_e4m3__x_") == "Fp8E4m3X");
}

BOOST_AUTO_TEST_CASE(every_kind_has_a_template_in_cpp_and_those_without_libtorch_one_in_c) {
  for (const PluginKind& kind : plugin_kinds()) {
    const std::vector<std::string> wanted = kind.needs_torch ? std::vector<std::string>{"cpp"} : std::vector<std::string>{"cpp", "c"};
    BOOST_TEST(template_languages(kind.name) == wanted, boost::test_tools::per_element());
  }
  BOOST_TEST(template_languages("shared").empty());
  BOOST_TEST(template_languages("stopping").empty());
}

BOOST_AUTO_TEST_CASE(every_folder_is_whole_and_nothing_of_the_example_is_left) {
  for (const PluginKind& kind : plugin_kinds())
    for (const std::string& language : template_languages(kind.name)) {
      const std::vector<NewFile> files = render_template(kind.name, "two_words", language);
      BOOST_TEST(files.size() == 6u);
      for (const char* name : {".gitignore", "CMakeLists.txt", "README.md", "example.toml", "two_words_test.cpp"}) text_of(files, name);
      BOOST_TEST(holds(text_of(files, "two_words." + language), "\"two_words\""));
      for (const NewFile& file : files)
        for (const char* example : {"my_plugin", "MyPlugin"}) BOOST_TEST(!holds(file.text, example), kind.name << ": " << file.name << " has " << example);
      if (kind.name == "lr_schedule") continue;
      for (const char* shared : {"CMakeLists.txt", "README.md"}) BOOST_TEST(!holds(text_of(files, shared), "lr_schedule"));
    }
}

BOOST_AUTO_TEST_CASE(the_source_is_in_the_language_that_was_asked_for) {
  BOOST_TEST(holds(text_of(render_template("observer", "x", "c"), "CMakeLists.txt"), "trainhost_add_plugin(observer/x SOURCES x.c TESTS x_test.cpp)"));
  BOOST_TEST(holds(text_of(render_template("observer", "x", "cpp"), "CMakeLists.txt"), "trainhost_add_plugin(observer/x SOURCES x.cpp TESTS x_test.cpp)"));
  BOOST_TEST(holds(text_of(render_template("observer", "x", "c"), "README.md"), "`include/trainhost/observer.h`"));
}

BOOST_AUTO_TEST_CASE(kinds_of_libtorch_say_so_where_it_matters) {
  const auto files = render_template("model", "x", "cpp");
  BOOST_TEST(holds(text_of(files, "CMakeLists.txt"), "trainhost_add_plugin(model/x SOURCES x.cpp TORCH TESTS x_test.cpp)"));
  BOOST_TEST(holds(text_of(files, "README.md"), "cmake -S . -B build -DCMAKE_PREFIX_PATH=PREFIX\n"));
  BOOST_TEST(holds(text_of(files, "README.md"), "`include/trainhost/torch/model.h`"));
}

BOOST_AUTO_TEST_CASE(words_that_a_template_uses_are_known) {
  BOOST_TEST(template_uses("stopping_rule", "Verdict"));
  BOOST_TEST(template_uses("stopping_rule", "Config"));
  BOOST_TEST(!template_uses("stopping_rule", "Verdicts"));
  BOOST_TEST(!template_uses("stopping_rule", "MyPlugin"));  // the name of the example is as good as another
  BOOST_TEST(!template_uses("data_source", "Points"));  // stands in a comment only
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
