// A file that is gone, cut or changed is an error with its name, however it is read; one that was touched is none.
#include "files/input_file.h"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>

#include <trainhost/testing.hpp>

#include "files/fingerprint.h"
#include "files/testing/folder.h"

using namespace trainhost;
using namespace trainhost::testing;
namespace fs = std::filesystem;

namespace {

constexpr InputFile::Keep kKeeps[] = {InputFile::Keep::kClosed, InputFile::Keep::kOpen};

std::string read(const InputFile& file, uint64_t offset, size_t size) {
  std::string out(size, '?');
  file.read(offset, std::as_writable_bytes(std::span(out)));
  return out;
}

void make_later(const fs::path& path) { fs::last_write_time(path, fs::file_time_type::clock::now() + std::chrono::hours(1)); }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(input_file_test, TemporaryFolder)

BOOST_DATA_TEST_CASE(reads_any_piece, boost::unit_test::data::xrange(2)) {
  const InputFile file(write("f", "0123456789"), kKeeps[sample]);
  BOOST_TEST(file.size() == 10u);
  BOOST_TEST(read(file, 3, 4) == "3456");
  BOOST_TEST(read(file, 0, 10) == "0123456789");
  BOOST_TEST(read(file, 10, 0).empty());
}

BOOST_DATA_TEST_CASE(a_piece_beyond_the_end_is_data_loss_with_the_name, boost::unit_test::data::xrange(2)) {
  const InputFile file(write("f", "0123456789"), kKeeps[sample]);
  BOOST_TEST(status_of([&] { read(file, 8, 3); }) == TRAINHOST_DATA_LOSS);
  BOOST_TEST(status_of([&] { read(file, UINT64_MAX / 2, 3); }) == TRAINHOST_DATA_LOSS);
  BOOST_TEST(words_of([&] { read(file, 8, 3); }).find((path / "f").string()) == 0u);
}

BOOST_DATA_TEST_CASE(a_file_that_was_cut_or_changed_in_place_is_data_loss, boost::unit_test::data::xrange(2)) {
  const InputFile file(write("f", std::string(5000, 'a')), kKeeps[sample]);
  fs::resize_file(path / "f", 4096);
  BOOST_TEST(words_of([&] { read(file, 0, 3); }).find("changed during the run: had 5000 bytes, has 4096") != std::string::npos);
  std::fstream(path / "f").write(std::string(5000, 'b').data(), 5000);  // the old size again, in the same file
  make_later(path / "f");
  BOOST_TEST(status_of([&] { read(file, 0, 3); }) == TRAINHOST_DATA_LOSS);
}

BOOST_DATA_TEST_CASE(a_file_that_was_only_touched_is_read_on, boost::unit_test::data::xrange(2)) {
  const InputFile file(write("f", std::string(5000, 'a')), kKeeps[sample]);
  make_later(path / "f");
  BOOST_TEST(read(file, 0, 3) == "aaa");
}

BOOST_AUTO_TEST_CASE(a_file_that_was_replaced_is_noticed_where_it_is_opened_again_and_read_on_where_it_was_kept) {
  const InputFile closed(write("f", "old old old"), InputFile::Keep::kClosed), open(path / "f", InputFile::Keep::kOpen);
  write("g", "new new new new");
  fs::rename(path / "g", path / "f");
  BOOST_TEST(status_of([&] { read(closed, 0, 3); }) == TRAINHOST_DATA_LOSS);
  BOOST_TEST(read(open, 0, 3) == "old");
  fs::remove(path / "f");
  BOOST_TEST(words_of([&] { read(closed, 0, 3); }).find("cannot be opened") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_refused_by_name) {
  BOOST_TEST(status_of([&] { InputFile file(path / "gone"); }) == TRAINHOST_PERMISSION_DENIED);
  BOOST_TEST(words_of([&] { InputFile file(path / "gone"); }).find("gone: cannot be read") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_hash_is_of_both_ends_and_of_all_of_a_small_file) {
  const auto hash = [&](const std::string& bytes) { return InputFile(write("f", bytes), InputFile::Keep::kClosed, 100).content_hash(); };
  std::string bytes(150, 'a');
  const auto small = hash(bytes);
  bytes[75] = 'b';
  BOOST_TEST((hash(bytes) != small));
  bytes.assign(1000, 'a');
  const auto large = hash(bytes);
  bytes[500] = 'b';
  BOOST_TEST((hash(bytes) == large));
  bytes[950] = 'b';
  BOOST_TEST((hash(bytes) != large));
}

BOOST_AUTO_TEST_CASE(a_fingerprint_covers_lines_names_sizes_and_contents_but_not_places) {
  const InputFile one(write("one/f", "abc")), same(write("other/f", "abc")), other(write("f", "abd"));
  const auto value = [](std::string_view line, std::string_view name, const InputFile& file) {
    Fingerprint fingerprint(line);
    fingerprint.add(name, file);
    return fingerprint.value();
  };
  const auto first = value("x/1", "f", one);
  BOOST_TEST((first == value("x/1", "f", same)));
  BOOST_TEST((first != value("x/1", "f", other)));
  BOOST_TEST((first != value("x/1", "g", one)));
  BOOST_TEST((first != value("x/2", "f", one)));
}

BOOST_AUTO_TEST_SUITE_END()
