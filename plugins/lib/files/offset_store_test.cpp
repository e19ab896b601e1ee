// What is kept comes back for the same file alone, and nothing that was damaged does.
#include "files/offset_store.h"

#include <boost/test/unit_test.hpp>

#include <chrono>

#include <sys/stat.h>
#include <unistd.h>

#include "files/testing/folder.h"
#include "files/whole_file.h"

using namespace trainhost;
using namespace trainhost::testing;
namespace fs = std::filesystem;

namespace {

struct Store : TemporaryFolder {
  Store() {
    make("f");
    BOOST_REQUIRE(store.save(InputFile(path / "f"), "rows", offsets).empty());
  }
  // Large enough to be worth it; sparse.
  void make(const std::string& name, uint64_t size = OffsetStore::kLeastBytes) const { fs::resize_file(write(name, "text"), size); }
  bool knows(const std::string& name, const std::string& purpose = "rows") const {
    const auto kept = store.load(InputFile(path / name), purpose);
    if (kept) BOOST_TEST(*kept == offsets, boost::test_tools::per_element());
    return kept.has_value();
  }
  fs::path kept_file() const { return fs::directory_iterator(path / "cache")->path(); }

  const OffsetStore store{path / "cache"};
  const std::vector<uint64_t> offsets{0, 5, uint64_t{1} << 40};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(offset_store_test, Store)

BOOST_AUTO_TEST_CASE(offsets_come_back_for_the_same_file_and_purpose) {
  BOOST_TEST(knows("f"));
  BOOST_TEST(!knows("f", "documents"));
  make("g");
  BOOST_TEST(!knows("g"));
}

BOOST_AUTO_TEST_CASE(a_file_that_has_changed_or_was_touched_is_another_one) {
  fs::last_write_time(path / "f", fs::file_time_type::clock::now() + std::chrono::hours(1));
  BOOST_TEST(!knows("f"));
  make("f", OffsetStore::kLeastBytes + 1);
  BOOST_TEST(!knows("f"));
}

BOOST_AUTO_TEST_CASE(damage_anywhere_is_as_if_nothing_were_there) {
  const std::vector<std::byte> whole = read_whole(kept_file());
  for (size_t i = 0; i < whole.size(); ++i) {
    std::vector<std::byte> damaged = whole;
    damaged[i] ^= std::byte{4};
    BOOST_TEST(write_whole(kept_file(), damaged).empty());
    BOOST_TEST(!knows("f"), "byte " << i);
    BOOST_TEST(write_whole(kept_file(), std::span(whole).first(i)).empty());
    BOOST_TEST(!knows("f"), "cut to " << i);
  }
  BOOST_TEST(write_whole(kept_file(), whole).empty());
  BOOST_TEST(knows("f"));
}

BOOST_AUTO_TEST_CASE(small_files_and_a_missing_folder_keep_nothing) {
  write("small", "text");
  const InputFile small(path / "small"), large(path / "f");
  BOOST_TEST(store.save(small, "rows", offsets).empty());
  BOOST_TEST(!store.load(small, "rows"));
  BOOST_TEST(OffsetStore({}).save(large, "rows", offsets).empty());
  BOOST_TEST(!OffsetStore({}).load(large, "rows"));
}

BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_made_says_so) {
  write("file", "");
  const std::string words = OffsetStore(path / "file/cache").save(InputFile(path / "f"), "rows", offsets);
  BOOST_TEST(words.find((path / "file/cache").string()) == 0u, words);
}

BOOST_AUTO_TEST_CASE(nothing_but_the_file_is_left_in_the_folder) {
  BOOST_TEST(std::distance(fs::directory_iterator(path / "cache"), fs::directory_iterator()) == 1);
}

BOOST_AUTO_TEST_SUITE_END()
