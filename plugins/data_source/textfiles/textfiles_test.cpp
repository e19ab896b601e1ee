// The source against an independent program, and against folders that are wrong or change under its feet.
#include <trainhost/testing.hpp>

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <random>

#include "files/testing/folder.h"
#include "files/testing/samples.h"

using namespace trainhost;
using namespace trainhost::testing;
namespace fs = std::filesystem;

namespace {

// Names that sort differently by part and by byte, odd sizes, and everything that must be left out.
void write_tree(const TemporaryFolder& tree) {
  std::mt19937 random(1);
  const char* folders[] = {"", "a/", "a/b/", "a-b/", "a.b/c/", "B/", "z/deep/er/", "\xc3\xa9/"};
  for (const char* folder : folders) {
    for (const char* name : {"x.h", "x-1.h", "X.h", "y.cpp", "z.txt"}) {
      std::string text(random() % 300, ' ');
      for (char& c : text) c = static_cast<char>(random());
      tree.write(std::string(folder) + name, text);
    }
  }
  tree.write("a/empty.h", "");
  tree.write("a/.hidden.h", "hidden");
  tree.write(".git/x.h", "hidden");
  tree.write("tiny/t.h", "1");
  fs::create_directory_symlink(tree.path / "a", tree.path / "linked");
  fs::create_symlink(tree.path / "a/x.h", tree.path / "B/link.h");
}

std::string config(const fs::path& root, const std::string& more = "") { return format("{{\"root\":\"{}\"{}}}", root, more); }

// Each sample as the window that it was cut from: the tokens and the last target.
std::string windows(const PluginUnderTest& source) {
  std::string out;
  for (const Sample& sample : read(source, all_ids(source))) {
    const auto tokens = sample[0].as<char>(), targets = sample[1].as<char>();
    BOOST_REQUIRE(std::equal(tokens.begin() + 1, tokens.end(), targets.begin()));
    out.append(tokens.begin(), tokens.end()).push_back(targets.back());
  }
  return out;
}

std::string starts(const PluginUnderTest& source) {
  std::string out;
  for (const std::uint64_t start : block_starts(source)) out += (out.empty() ? "" : " ") + std::to_string(start);
  return out + "\n";
}

void compare_with_oracle(const std::string& split, double fraction, int context, int stride) {
  const TemporaryFolder tree, out;
  write_tree(tree);
  PluginUnderTest source;
  source
      .create(config(tree.path, format(R"(,"glob":"**/*.{{h,cpp}}","split":"{}","heldout_fraction":{},"context_length":{},"stride":{})", split, fraction,
                                       context, stride)))
      .start();
  const std::string expected_starts = python(format("'{}/oracle.py' '{}' {} {} {} {} '{}' '**/*.h' '**/*.cpp'", fs::current_path(), tree.path, split, fraction, context,
                                                    stride, out.path / "windows"));
  BOOST_TEST(starts(source) == expected_starts);
  BOOST_TEST((windows(source) == out.content("windows")));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(textfiles_test)

BOOST_AUTO_TEST_CASE(delivers_what_an_independent_program_says) {
  compare_with_oracle("all", 0.1, 16, 16);
  compare_with_oracle("all", 0.1, 33, 7);
  compare_with_oracle("train", 0.5, 16, 16);
  compare_with_oracle("heldout", 0.5, 16, 16);
}

BOOST_AUTO_TEST_CASE(train_and_heldout_share_no_folder_and_make_the_whole) {
  const TemporaryFolder tree;
  write_tree(tree);
  std::uint64_t samples[3];
  int i = 0;
  for (const char* split : {"all", "train", "heldout"}) {
    PluginUnderTest source;
    source.create(config(tree.path, format(R"(,"split":"{}","heldout_fraction":0.5,"context_length":16)", split))).start();
    samples[i++] = source_info(source).num_samples;
  }
  BOOST_TEST(samples[0] == samples[1] + samples[2]);
  BOOST_TEST(samples[2] > 0u);
}

BOOST_AUTO_TEST_CASE(excluded_files_are_left_out) {
  const TemporaryFolder tree;
  tree.write("keep/a.h", std::string(40, 'k'));
  tree.write("ATen/ops/b.h", std::string(40, 'o'));
  tree.write("ATen/ops/deep/b.h", std::string(40, 'o'));
  PluginUnderTest source;
  source.create(config(tree.path, R"(,"exclude":["ATen/ops/**"],"context_length":8)")).start();
  BOOST_TEST(windows(source).find('o') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(several_patterns_may_be_given) {
  const TemporaryFolder tree;
  tree.write("a.h", std::string(9, 'h'));
  tree.write("a.c", std::string(9, 'c'));
  tree.write("a.txt", std::string(9, 't'));
  PluginUnderTest source;
  source.create(config(tree.path, R"(,"glob":["*.h","*.c"],"exclude":"x/**","context_length":19)")).start();
  BOOST_TEST((windows(source) == std::string("ccccccccc\0hhhhhhhhh\0", 20)));
}

BOOST_AUTO_TEST_CASE(the_root_itself_may_be_a_link) {
  const TemporaryFolder tree;
  tree.write("real/a.h", "0123456789abcdef");
  fs::create_directory_symlink(tree.path / "real", tree.path / "link");
  PluginUnderTest source;
  source.create(config(tree.path / "link", R"(,"context_length":15)")).start();
  BOOST_TEST(windows(source) == "0123456789abcdef");
}

BOOST_AUTO_TEST_CASE(fingerprint_covers_contents_names_and_cut_but_not_the_place) {
  const TemporaryFolder one, other;
  for (const TemporaryFolder* tree : {&one, &other}) tree->write("f/a.h", std::string(100, 'a'));
  PluginUnderTest source;
  const auto print = [&](const TemporaryFolder& tree, const std::string& more) { return fingerprint(source.create(config(tree.path, more)).start()); };
  const std::string first = print(one, R"(,"context_length":8)");
  BOOST_TEST((first == print(other, R"(,"context_length":8)")));
  BOOST_TEST((first != print(one, R"(,"context_length":9)")));
  other.write("f/a.h", std::string(99, 'a') + "b");
  BOOST_TEST((first != print(other, R"(,"context_length":8)")));
  other.write("f/a.h", std::string(100, 'a'));
  fs::rename(other.path / "f/a.h", other.path / "f/b.h");
  BOOST_TEST((first != print(other, R"(,"context_length":8)")));
}

BOOST_AUTO_TEST_CASE(a_missing_root_and_an_empty_folder_say_so_with_counts) {
  const TemporaryFolder tree;
  PluginUnderTest source;
  BOOST_TEST(status_of([&] { source.create(config(tree.path / "nowhere")).start(); }) == TRAINHOST_NOT_FOUND);
  BOOST_TEST(words_of([&] { source.create(config(tree.path / "nowhere")).start(); }).find("nowhere") != std::string::npos);
  tree.write("f/a.txt", "text");
  const std::string words = words_of([&] { source.create(config(tree.path, R"(,"glob":"**/*.h")")).start(); });
  BOOST_TEST(words.find("1 files seen, 0 match") != std::string::npos, words);
  BOOST_TEST(words.find("**/*.h") != std::string::npos, words);
  BOOST_TEST(words.find(tree.path.string()) != std::string::npos, words);
}

BOOST_AUTO_TEST_CASE(a_split_without_folders_explains_itself) {
  const TemporaryFolder tree;
  tree.write("a.txt", std::string(1000, 'a'));
  PluginUnderTest source;
  const std::string words = words_of([&] { source.create(config(tree.path, R"(,"split":"heldout","heldout_fraction":0)")).start(); });
  BOOST_TEST(words.find("whole folders") != std::string::npos, words);
}

BOOST_AUTO_TEST_CASE(a_file_that_vanishes_shrinks_or_changes_is_data_loss_with_its_name) {
  const TemporaryFolder tree;
  PluginUnderTest source;
  const auto reads_after = [&](const auto& change) {
    tree.write("f/a.h", std::string(100, 'a'));
    source.create(config(tree.path, R"(,"context_length":8)")).start();
    read(source, {0});
    change();
    BOOST_TEST(words_of([&] { read(source, {0}); }).find("f/a.h") != std::string::npos);
    return status_of([&] { read(source, {0}); });
  };
  BOOST_TEST(reads_after([&] { tree.write("f/a.h", "short"); }) == TRAINHOST_DATA_LOSS);
  BOOST_TEST(reads_after([&] { fs::remove(tree.path / "f/a.h"); }) == TRAINHOST_DATA_LOSS);
  BOOST_TEST(reads_after([&] {
               tree.write("f/a.h", std::string(99, 'a') + "b");
               fs::last_write_time(tree.path / "f/a.h", fs::file_time_type::clock::now() + std::chrono::hours(1));
             }) == TRAINHOST_DATA_LOSS);
}

BOOST_AUTO_TEST_CASE(a_file_that_was_only_touched_is_read_on) {
  const TemporaryFolder tree;
  tree.write("f/a.h", std::string(100, 'a'));
  PluginUnderTest source;
  source.create(config(tree.path, R"(,"context_length":8)")).start();
  fs::last_write_time(tree.path / "f/a.h", fs::file_time_type::clock::now() + std::chrono::hours(1));
  BOOST_TEST(status_of([&] { read(source, {0}); }) == TRAINHOST_OK);
}

BOOST_AUTO_TEST_CASE(creating_it_touches_no_file) {
  PluginUnderTest source;
  BOOST_TEST(status_of([&] { source.create(config("/nowhere")); }) == TRAINHOST_OK);
}

BOOST_AUTO_TEST_CASE(text_is_bytes) {
  const TemporaryFolder tree;
  tree.write("f/a.h", std::string(300, 'a'));
  PluginUnderTest source;
  source.create(config(tree.path)).start();
  const auto& table = source.table<trainhost_text>(TRAINHOST_TEXT);
  std::int64_t tokens[8];
  std::uint64_t written = 0;
  call(table.encode, source.c(), c_string("#\xc3\xa9\n"), tokens, std::uint64_t{8}, &written);
  BOOST_TEST(written == 4u);
  BOOST_TEST(tokens[1] == 0xc3);
  char text[8];
  call(table.decode, source.c(), tokens, std::uint64_t{4}, text, std::uint64_t{8}, &written);
  BOOST_TEST(std::string_view(text, written) == "#\xc3\xa9\n");
  tokens[0] = 256;
  BOOST_TEST(status_of([&] { call(table.decode, source.c(), tokens, std::uint64_t{1}, text, std::uint64_t{8}, &written); }) == TRAINHOST_OUT_OF_RANGE);
}

BOOST_AUTO_TEST_CASE(lengths_are_the_context_length) {
  const TemporaryFolder tree;
  tree.write("f/a.h", std::string(300, 'a'));
  PluginUnderTest source;
  source.create(config(tree.path)).start();
  const std::uint64_t ids[] = {0};
  std::uint64_t lengths[] = {0};
  call(source.table<trainhost_data_lengths>(TRAINHOST_DATA_LENGTHS).lengths, source.c(), ids, std::uint64_t{1}, lengths);
  BOOST_TEST(lengths[0] == 256u);
}

BOOST_AUTO_TEST_SUITE_END()
