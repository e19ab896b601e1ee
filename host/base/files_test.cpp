// Files: whole reads, atomic writes, and what is said when they fail.
#include "base/files.h"

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include <boost/test/unit_test.hpp>

namespace trainhost {
namespace {

namespace fs = std::filesystem;

struct Folder {
  fs::path path;
  Folder() {
    std::string pattern = fs::temp_directory_path() / "trainhost-files-XXXXXX";
    path = ::mkdtemp(pattern.data());
  }
  ~Folder() { fs::remove_all(path); }
  size_t num_entries() const { return static_cast<size_t>(std::distance(fs::directory_iterator(path), {})); }
};

auto says(ExitCode code, const std::string& text) {
  return [=](const Error& error) {
    const bool is_right = error.code() == code && std::string(error.what()).find(text) != std::string::npos;
    if (!is_right) BOOST_TEST_MESSAGE("got " << static_cast<int>(error.code()) << ": " << error.what());
    return is_right;
  };
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(files_test, Folder)

BOOST_AUTO_TEST_CASE(what_was_written_is_read_back_whatever_the_bytes) {
  const std::string bytes("a\0b\r\n\xff", 6);
  write_file_atomically(path / "file", bytes);
  BOOST_TEST(read_file(path / "file") == bytes);
  write_file_atomically(path / "file", "");
  BOOST_TEST(read_file(path / "file") == "");
  BOOST_TEST(num_entries() == 1U);  // no temporary sibling is left
}

BOOST_AUTO_TEST_CASE(a_name_without_a_folder_is_written_in_the_current_one) {
  const fs::path before = fs::current_path();
  fs::current_path(path);
  write_file_atomically("plain", "x");
  fs::current_path(before);
  BOOST_TEST(read_file(path / "plain") == "x");
}

BOOST_AUTO_TEST_CASE(a_missing_file_and_a_folder_are_named_with_the_callers_code) {
  BOOST_CHECK_EXCEPTION(read_file(path / "none", ExitCode::kData), Error, says(ExitCode::kData, (path / "none").string() + ": cannot be read: No such file"));
  BOOST_CHECK_EXCEPTION(read_file(path), Error, says(ExitCode::kConfig, "Is a directory"));
}

BOOST_AUTO_TEST_CASE(a_missing_folder_is_named) {
  BOOST_CHECK_EXCEPTION(write_file_atomically(path / "none/file", "x", ExitCode::kCheckpointUnwritable), Error,
                        says(ExitCode::kCheckpointUnwritable, "No such file"));
}

BOOST_AUTO_TEST_CASE(a_write_that_fails_half_way_leaves_the_old_text_and_no_litter) {
  write_file_atomically(path / "file", "old");
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{4096, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  BOOST_CHECK_EXCEPTION(write_file_atomically(path / "file", std::string(10000, 'x')), Error, says(ExitCode::kConfig, "File too large"));
  ::setrlimit(RLIMIT_FSIZE, &before);
  BOOST_TEST(read_file(path / "file") == "old");
  BOOST_TEST(num_entries() == 1U);
}

BOOST_AUTO_TEST_CASE(a_target_that_is_a_folder_is_refused_and_leaves_no_litter) {
  fs::create_directory(path / "target");
  BOOST_CHECK_EXCEPTION(write_file_atomically(path / "target", "x"), Error, says(ExitCode::kConfig, "Is a directory"));
  BOOST_TEST(num_entries() == 1U);
}

BOOST_AUTO_TEST_CASE(a_writable_folder_is_made_with_its_parents_and_left_empty) {
  make_writable_folder(path / "a/b");
  BOOST_TEST(fs::is_empty(path / "a/b"));
  make_writable_folder(path / "a/b");
}

BOOST_AUTO_TEST_CASE(a_folder_below_a_file_cannot_be_made) {
  std::ofstream(path / "file") << "x";
  BOOST_CHECK_EXCEPTION(make_writable_folder(path / "file/sub"), Error, says(ExitCode::kConfig, "Not a directory"));
  BOOST_CHECK_EXCEPTION(make_writable_folder(path / "file"), Error, says(ExitCode::kConfig, (path / "file").string()));
}

BOOST_AUTO_TEST_CASE(a_folder_that_nobody_may_write_is_refused) {
  BOOST_CHECK_EXCEPTION(make_writable_folder("/proc/self"), Error, says(ExitCode::kConfig, "/proc/self: folder is not writable"));
}

BOOST_AUTO_TEST_CASE(the_program_stands_in_its_folder) { BOOST_TEST(fs::exists(program_folder())); }

BOOST_AUTO_TEST_CASE(bytes_are_shown_in_the_unit_that_fits) {
  BOOST_TEST(human_bytes(0) == "0 B");
  BOOST_TEST(human_bytes(1023) == "1023 B");
  BOOST_TEST(human_bytes(1024) == "1 KiB");
  BOOST_TEST(human_bytes(3.2 * 1024 * 1024) == "3.2 MiB");
  BOOST_TEST(human_bytes(1023.9 * 1024) == "1 MiB");
  BOOST_TEST(human_bytes(5e15) == "4547 TiB");
}

BOOST_AUTO_TEST_CASE(uris_begin_with_a_scheme) {
  for (const char* uri : {"s3://bucket/run", "file:/data", "file:runs/a"}) BOOST_TEST(has_uri_scheme(uri));
  for (const char* plain : {"", "model.safetensors", "/data/a:b", "./s3://x", "Model:x", ":x"}) BOOST_TEST(!has_uri_scheme(plain));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
