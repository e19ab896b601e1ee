// Which files a list names, in which order and under which names.
#include "files/file_list.h"

#include <boost/test/unit_test.hpp>

#include <sys/stat.h>

#include <trainhost/testing.hpp>

#include "files/testing/folder.h"

using namespace trainhost;
using namespace trainhost::testing;
namespace fs = std::filesystem;

namespace {

struct Tree : TemporaryFolder {
  Tree() {
    for (const char* name : {"a/x-0.bin", "a/x-1.bin", "a/x-10.bin", "a/deep/y.bin", "b/x-0.bin", ".hidden/x-0.bin", "a/.x.bin", "a/note.txt"}) write(name, name);
  }
  std::string names(std::vector<std::string> patterns) const {
    for (std::string& pattern : patterns) pattern = (path / pattern).string();
    std::string out;
    for (const ListedFile& file : list_files(patterns, "t.files")) {
      BOOST_TEST(fs::exists(file.path));
      out += (out.empty() ? "" : " ") + file.name;
    }
    return out;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(file_list_test, Tree)

BOOST_AUTO_TEST_CASE(files_come_in_the_byte_order_of_their_paths_each_once) {
  BOOST_TEST(names({"b/x-0.bin", "a/*.bin", "a/x-{0..1}.bin", "a/../a/x-0.bin"}) == "a/x-0.bin a/x-1.bin a/x-10.bin b/x-0.bin");
}

BOOST_AUTO_TEST_CASE(names_are_relative_to_the_deepest_common_folder) {
  BOOST_TEST(names({"a/x-{0,1}.bin"}) == "x-0.bin x-1.bin");
  BOOST_TEST(names({"a/x-0.bin"}) == "x-0.bin");
  BOOST_TEST(names({"a/x-0.bin", "a/deep/y.bin"}) == "deep/y.bin x-0.bin");
}

BOOST_AUTO_TEST_CASE(wildcards_stay_in_their_folder_and_pass_over_hidden_names) {
  BOOST_TEST(names({"*/x-0.bin"}) == "a/x-0.bin b/x-0.bin");
  BOOST_TEST(names({"**/*.bin"}) == "a/deep/y.bin a/x-0.bin a/x-1.bin a/x-10.bin b/x-0.bin");
  BOOST_TEST(names({"a/*.bin"}) == "x-0.bin x-1.bin x-10.bin");
}

BOOST_AUTO_TEST_CASE(links_to_files_are_followed) {
  fs::create_symlink(path / "b/x-0.bin", path / "a/z.bin");
  BOOST_TEST(names({"a/z*"}) == "z.bin");
}

BOOST_AUTO_TEST_CASE(patterns_are_seen_from_the_working_folder) {
  const fs::path before = fs::current_path();
  fs::current_path(path / "a");
  const std::vector<std::string> patterns{"x-?.bin", "../b/*"};
  const auto files = list_files(patterns, "t.files");
  fs::current_path(before);
  BOOST_REQUIRE(files.size() == 3);
  BOOST_TEST(files[0].path == "../b/x-0.bin");
  BOOST_TEST(files[1].path == "x-0.bin");
}

BOOST_AUTO_TEST_CASE(what_matches_nothing_is_an_error_with_the_pattern) {
  for (const char* pattern : {"a/*.npy", "nowhere/*", "a/gone.bin", "a/x-{0..2}.bin"}) {
    BOOST_TEST(status_of([&] { names({pattern}); }) == TRAINHOST_NOT_FOUND, pattern);
    BOOST_TEST(words_of([&] { names({pattern}); }).find("t.files") == 0u);
  }
  BOOST_TEST(words_of([&] { names({"a/*.npy"}); }).find("a/*.npy") != std::string::npos);
  BOOST_TEST(words_of([&] { names({"a/x-{0..2}.bin"}); }).find("a/x-2.bin") != std::string::npos);
  BOOST_TEST(status_of([&] { list_files({}, "t.files"); }) == TRAINHOST_INVALID_ARGUMENT);
}

BOOST_AUTO_TEST_CASE(what_is_no_regular_file_is_refused_by_name) {
  BOOST_TEST(words_of([&] { names({"a"}); }).find("is a folder; write") != std::string::npos);
  BOOST_REQUIRE(::mkfifo((path / "pipe").c_str(), 0600) == 0);
  BOOST_TEST(status_of([&] { names({"pipe"}); }) == TRAINHOST_FAILED_PRECONDITION);
}

BOOST_AUTO_TEST_SUITE_END()
