// The files themselves: cut at every byte, filled with noise, shared, and given up for others.
#include <boost/test/unit_test.hpp>

#include <fstream>
#include <random>

#include <fcntl.h>
#include <sys/stat.h>
#include <trainhost/format.hpp>

#include "files/testing/folder.h"
#include "sample_store.h"
#include "store_folder.h"

using namespace trainhost::sample_cache;
using trainhost::testing::TemporaryFolder;

BOOST_AUTO_TEST_SUITE(cache_store_test)

struct OpenedStore : SampleStore {
  explicit OpenedStore(const std::filesystem::path& root, uint64_t limit = 1 << 30, uint8_t data_set = 1)
      : SampleStore({root, key(data_set), "a test", limit}, [this](const std::string& words) { warnings.push_back(words); }) {}
  static Key key(uint8_t data_set) {
    Key made{};
    made.fill(data_set);
    return made;
  }

  void keep(uint64_t id) {
    std::vector<std::byte> record(Segment::kRecordHeaderBytes);
    for (const char c : content(id)) record.push_back(static_cast<std::byte>(c));
    append(id, record);
  }
  // Empty when it is not kept.
  std::string kept(uint64_t id) {
    std::vector<std::byte> record;
    if (!read(id, record)) return {};
    return {reinterpret_cast<const char*>(record.data()) + Segment::kRecordHeaderBytes, record.size() - Segment::kRecordHeaderBytes};
  }
  static std::string content(uint64_t id) { return trainhost::format("sample {} ", id) + std::string(50 + id % 17, static_cast<char>('a' + id % 26)); }

  std::vector<std::string> warnings;
};

std::string bytes_of(const std::filesystem::path& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

void write(const std::filesystem::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes; }

std::filesystem::path only_segment(const std::filesystem::path& root) {
  const auto sets = kept_sets(root);
  BOOST_REQUIRE_EQUAL(sets.size(), 1u);
  BOOST_REQUIRE_EQUAL(sets[0].segments.size(), 1u);
  return sets[0].segments[0].path;
}

void age(const std::filesystem::path& path, int64_t seconds) {
  const timespec times[2] = {{unix_seconds() - seconds, 0}, {unix_seconds() - seconds, 0}};
  utimensat(AT_FDCWD, path.c_str(), times, 0);
}

BOOST_AUTO_TEST_CASE(what_was_appended_comes_back_with_an_index_and_without) {
  const TemporaryFolder folder;
  { OpenedStore store(folder.path); for (uint64_t id = 0; id < 20; ++id) store.keep(id); }
  for (const bool has_index : {true, false}) {
    if (!has_index) std::filesystem::remove(index_path(only_segment(folder.path)));
    OpenedStore store(folder.path);
    BOOST_TEST(store.num_samples() == 20u);
    for (uint64_t id = 0; id < 20; ++id) BOOST_TEST(store.kept(id) == OpenedStore::content(id));
    BOOST_TEST(store.kept(20).empty());
  }
}

BOOST_AUTO_TEST_CASE(a_file_that_is_cut_at_any_byte_keeps_what_stands_before) {
  const TemporaryFolder folder;
  { OpenedStore store(folder.path); for (uint64_t id = 0; id < 4; ++id) store.keep(id); }
  const auto path = only_segment(folder.path);
  const std::string whole = bytes_of(path);
  for (size_t size = 0; size < whole.size(); ++size) {
    if (size == Segment::kHeaderBytes + 1) size = whole.size() - 130;  // the header, then the last record
    write(path, whole.substr(0, size));
    std::filesystem::remove(index_path(path));
    {
      OpenedStore store(folder.path);
      BOOST_TEST(store.num_samples() < 4u);
      for (uint64_t id = 0; id < 4; ++id)
        if (const std::string kept = store.kept(id); !kept.empty()) BOOST_TEST(kept == OpenedStore::content(id));
      for (uint64_t id = 0; id < 4; ++id) store.keep(id);  // behind what is whole
      BOOST_TEST(store.warnings.empty());
    }
    OpenedStore again(folder.path);
    for (uint64_t id = 0; id < 4; ++id) BOOST_TEST(again.kept(id) == OpenedStore::content(id));
    for (const auto& other : segment_paths(path.parent_path()))
      if (other != path) std::filesystem::remove(other);  // its index stays, and must not be taken for that of the next one
  }
}

BOOST_AUTO_TEST_CASE(no_bytes_are_believed) {
  const TemporaryFolder folder;
  { OpenedStore store(folder.path); for (uint64_t id = 0; id < 4; ++id) store.keep(id); }
  const auto path = only_segment(folder.path);
  const std::string whole = bytes_of(path), index = bytes_of(index_path(path));
  std::mt19937 random(1);
  for (int attempt = 0; attempt < 300; ++attempt) {
    std::string segment_bytes = whole, index_bytes = index;
    std::string& hit = attempt % 2 ? segment_bytes : index_bytes;
    for (int i = 0; i <= attempt % 5; ++i) hit[random() % hit.size()] = static_cast<char>(random());
    write(path, segment_bytes);
    write(index_path(path), index_bytes);
    OpenedStore store(folder.path);
    for (uint64_t id = 0; id < 4; ++id)
      if (const std::string kept = store.kept(id); !kept.empty()) BOOST_TEST(kept == OpenedStore::content(id));
    std::filesystem::create_directories(path.parent_path());
  }
}

BOOST_AUTO_TEST_CASE(another_process_goes_on_in_a_segment_that_nobody_writes) {
  const TemporaryFolder folder;
  for (uint64_t id = 0; id < 5; ++id) { OpenedStore store(folder.path); store.keep(id); }
  BOOST_TEST(bytes_of(only_segment(folder.path)).size() > 500u);
  OpenedStore store(folder.path);
  for (uint64_t id = 0; id < 5; ++id) BOOST_TEST(store.kept(id) == OpenedStore::content(id));
}

BOOST_AUTO_TEST_CASE(two_writers_have_a_segment_each) {
  const TemporaryFolder folder;
  OpenedStore one(folder.path), two(folder.path);
  for (uint64_t id = 0; id < 10; ++id) (id % 2 ? one : two).keep(id);
  BOOST_TEST(kept_sets(folder.path)[0].segments.size() == 2u);
  OpenedStore three(folder.path);
  for (uint64_t id = 0; id < 10; ++id) BOOST_TEST(three.kept(id) == OpenedStore::content(id));
}

BOOST_AUTO_TEST_CASE(a_damaged_sample_takes_its_segment_with_it) {
  const TemporaryFolder folder;
  { OpenedStore store(folder.path); for (uint64_t id = 0; id < 10; ++id) store.keep(id); }
  const auto path = only_segment(folder.path);
  std::string bytes = bytes_of(path);
  bytes[bytes.find("sample 5 ") + 20] ^= 1;
  write(path, bytes);
  OpenedStore store(folder.path);
  BOOST_TEST(store.kept(4) == OpenedStore::content(4));
  BOOST_TEST(store.kept(5).empty());
  BOOST_TEST(store.kept(4).empty());
  BOOST_REQUIRE_EQUAL(store.warnings.size(), 1u);
  BOOST_TEST(store.warnings[0].find("what was kept of sample 5 is damaged") != std::string::npos);
  BOOST_TEST(!std::filesystem::exists(path));
  for (uint64_t id = 0; id < 10; ++id) store.keep(id);
  for (uint64_t id = 0; id < 10; ++id) BOOST_TEST(store.kept(id) == OpenedStore::content(id));
}

BOOST_AUTO_TEST_CASE(what_was_not_used_for_longest_makes_room) {
  const TemporaryFolder folder;
  constexpr uint64_t kLimit = 40'000;
  for (const uint8_t data_set : {1, 2}) {
    OpenedStore store(folder.path, kLimit, data_set);
    for (uint64_t id = 0; id < 100; ++id) store.keep(id);
  }
  for (const auto& path : segment_paths(set_folder(folder.path, OpenedStore::key(1)))) age(path, 7200);
  for (const auto& path : segment_paths(set_folder(folder.path, OpenedStore::key(2)))) age(path, 3600);
  {
    OpenedStore store(folder.path, kLimit, 3);
    for (uint64_t id = 0; id < 100; ++id) store.keep(id);
    BOOST_TEST(store.num_samples() == 100u);
    BOOST_TEST(store.warnings.empty());
  }
  BOOST_TEST(OpenedStore(folder.path, kLimit, 1).num_samples() < 100u);
  BOOST_TEST(OpenedStore(folder.path, kLimit, 3).num_samples() == 100u);
  uint64_t bytes = 0;
  for (const KeptSet& set : kept_sets(folder.path))
    for (const KeptSegment& segment : set.segments) bytes += segment.bytes;
  BOOST_TEST(bytes <= kLimit);
}

BOOST_AUTO_TEST_CASE(a_segment_that_is_written_is_not_removed) {
  const TemporaryFolder folder;
  OpenedStore store(folder.path);
  store.keep(1);
  age(only_segment(folder.path), 7200);
  const FolderLock lock(folder.path);
  BOOST_TEST(collect(folder.path, 0, unix_seconds()).removed_segments == 0u);
  BOOST_TEST(store.kept(1) == OpenedStore::content(1));
}

BOOST_AUTO_TEST_SUITE_END()
