// The folder of blocks: whole or absent, checked, bounded, and free after a death.
#include <boost/test/unit_test.hpp>

#include <csignal>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files/testing/folder.h"
#include "remote/block_file.h"
#include "remote/object_cache.h"

using namespace trainhost;
using namespace trainhost::remote;

BOOST_AUTO_TEST_SUITE(object_cache_test)

namespace fs = std::filesystem;

struct Cache : trainhost::testing::TemporaryFolder {
  explicit Cache(uint64_t limit = 1 << 30) : cache(path / "objects", limit, [this](const std::string& words) { warnings.push_back(words); }) { cache.open(); }

  static BlockName name(unsigned index, uint64_t bytes = 100'000) { return {format("{:064x}-{}", 0xab00000000000000u + index % 7, index), bytes}; }
  static std::vector<std::byte> bytes(unsigned index, uint64_t size = 100'000) {
    std::vector<std::byte> out(size);
    for (size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>((i * 31 + i / 251 + index) & 255);
    return out;
  }
  bool reads(unsigned index, uint64_t offset = 0, uint64_t size = 100'000) {
    std::vector<std::byte> out(size);
    if (!cache.read(name(index), offset, out)) return false;
    const auto all = bytes(index);
    BOOST_TEST(std::equal(out.begin(), out.end(), all.begin() + static_cast<std::ptrdiff_t>(offset)));
    return true;
  }
  std::vector<fs::path> files() const {
    std::vector<fs::path> out;
    for (const auto& entry : fs::recursive_directory_iterator(path / "objects"))
      if (entry.is_regular_file() && entry.path().filename() != "locks") out.push_back(entry.path());
    return out;
  }

  std::vector<std::string> warnings;
  ObjectCache cache;
};

BOOST_AUTO_TEST_CASE(what_is_kept_is_read_from_any_place) {
  Cache folder;
  BOOST_TEST(!folder.reads(1));
  folder.cache.keep(Cache::name(1), Cache::bytes(1));
  for (const uint64_t offset : {0u, 1u, 16383u, 16384u, 50'000u, 99'999u})
    for (const uint64_t size : {uint64_t{1}, uint64_t{20'000}, 100'000 - offset})
      if (offset + size <= 100'000) BOOST_TEST(folder.reads(1, offset, size));
  BOOST_TEST(!folder.reads(2));
  BOOST_TEST(folder.files().size() == 1u);
}

BOOST_AUTO_TEST_CASE(any_byte_that_changes_is_noticed_where_it_is_read) {
  Cache folder;
  for (const uint64_t at : {uint64_t{0}, uint64_t{40'000}, uint64_t{99'999}, uint64_t{100'000}, block_file_bytes(100'000) - 1}) {
    folder.cache.keep(Cache::name(1), Cache::bytes(1));
    const fs::path file = folder.files().at(0);
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(static_cast<std::streamoff>(at));
    const auto before = static_cast<char>(stream.get());
    stream.seekp(static_cast<std::streamoff>(at));
    stream.put(static_cast<char>(before ^ 1));
    stream.close();
    BOOST_TEST(!folder.reads(1), "byte " << at);
    BOOST_TEST(!fs::exists(file), "a damaged block is removed");
  }
}

BOOST_AUTO_TEST_CASE(a_file_that_is_cut_or_of_another_block_is_no_block) {
  Cache folder;
  folder.cache.keep(Cache::name(1), Cache::bytes(1));
  fs::resize_file(folder.files().at(0), 50'000);
  BOOST_TEST(!folder.reads(1));
  folder.cache.keep(Cache::name(1), Cache::bytes(1));
  fs::resize_file(folder.files().at(0), 0);
  BOOST_TEST(!folder.reads(1));
}

BOOST_AUTO_TEST_CASE(one_has_the_claim_until_it_ends_or_dies) {
  Cache folder;
  {
    const auto claim = folder.cache.claim(Cache::name(1));
    BOOST_TEST(claim.has_value());
    BOOST_TEST(!folder.cache.claim(Cache::name(1)).has_value());
    BOOST_TEST(folder.cache.claim(Cache::name(2)).has_value());
  }
  BOOST_TEST(folder.cache.claim(Cache::name(1)).has_value());

  int ready[2];
  BOOST_TEST_REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto claim = folder.cache.claim(Cache::name(1));
    if (claim && ::write(ready[1], "x", 1) == 1) ::pause();
    ::_exit(1);
  }
  char byte;
  BOOST_TEST_REQUIRE(::read(ready[0], &byte, 1) == 1);
  BOOST_TEST(!folder.cache.claim(Cache::name(1)).has_value());
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  BOOST_TEST(folder.cache.claim(Cache::name(1)).has_value());
  ::close(ready[0]), ::close(ready[1]);
}

BOOST_AUTO_TEST_CASE(the_limit_holds_and_the_block_read_longest_ago_goes) {
  constexpr uint64_t kLimit = 2'000'000;
  Cache folder(kLimit);
  for (unsigned i = 0; i < 60; ++i) {
    folder.cache.keep(Cache::name(i), Cache::bytes(i));
    uint64_t bytes = 0;
    for (const fs::path& file : folder.files()) {
      bytes += fs::file_size(file);
      fs::last_write_time(file, fs::last_write_time(file) - std::chrono::hours(1));  // so that time passes
    }
    BOOST_TEST(bytes <= kLimit);
    BOOST_TEST(folder.reads(0), "read again and again, so it stays; " << i);
  }
  BOOST_TEST(folder.reads(59));
  BOOST_TEST(!folder.reads(1));
  BOOST_TEST(folder.files().size() > 15u);
}

BOOST_AUTO_TEST_CASE(what_a_dead_writer_left_goes_too) {
  Cache folder;
  folder.cache.keep(Cache::name(1), Cache::bytes(1));
  const fs::path left = folder.files().at(0).parent_path() / ".half.abcdef";
  std::ofstream(left) << "half";
  ObjectCache(folder.path / "objects", 1 << 30, {}).open();
  BOOST_TEST(fs::exists(left), "its writer may be alive");
  fs::last_write_time(left, fs::last_write_time(left) - std::chrono::hours(2));
  ObjectCache(folder.path / "objects", 1 << 30, {}).open();
  BOOST_TEST(!fs::exists(left));
  BOOST_TEST(folder.reads(1));
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_said_once_and_what_is_there_is_still_read) {
  Cache folder;
  folder.cache.keep(Cache::name(1), Cache::bytes(1));
  struct rlimit before {};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit small{50'000, before.rlim_max};  // a write behind that fails, as on a full disk
  ::setrlimit(RLIMIT_FSIZE, &small);
  for (unsigned i = 2; i < 5; ++i) folder.cache.keep(Cache::name(i), Cache::bytes(i));
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  BOOST_TEST(folder.warnings.size() == 1u);
  BOOST_TEST(!folder.cache.is_open());
  BOOST_TEST(folder.reads(1));
  BOOST_TEST(folder.files().size() == 1u, "nothing half is left behind");
}

BOOST_AUTO_TEST_CASE(others_may_not_read_it) {
  Cache folder;
  folder.cache.keep(Cache::name(1), Cache::bytes(1));
  BOOST_TEST((fs::status(folder.path / "objects").permissions() == fs::perms::owner_all));
  BOOST_TEST((fs::status(folder.files().at(0)).permissions() == (fs::perms::owner_read | fs::perms::owner_write)));
}

BOOST_AUTO_TEST_SUITE_END()
