// Processes that are killed while they append leave whole samples and nothing that is believed to be one.
#include <boost/test/unit_test.hpp>

#include <csignal>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "files/testing/folder.h"
#include "sample_store.h"
#include "store_folder.h"

using namespace trainhost::sample_cache;
using trainhost::testing::TemporaryFolder;

BOOST_AUTO_TEST_SUITE(cache_kill_test)

constexpr size_t kContentBytes = 300'000;  // an append takes long enough to be met

std::vector<std::byte> record_of(uint64_t id) {
  std::vector<std::byte> record(Segment::kRecordHeaderBytes + kContentBytes + id % 5);
  for (size_t i = Segment::kRecordHeaderBytes; i < record.size(); ++i) record[i] = static_cast<std::byte>(id * 31 + i);
  return record;
}

SampleStore::Options options(const std::filesystem::path& root) {
  Key key{};
  key.fill(9);
  return {root, key, "samples of a process that is killed", uint64_t{1} << 30};
}

// Appends without end.
[[noreturn]] void append_until_killed(const std::filesystem::path& root, uint64_t first) {
  SampleStore store(options(root), [](const std::string&) {});
  for (uint64_t id = first;; ++id) {
    auto record = record_of(id);
    store.append(id, record);
  }
}

uint64_t bytes_in(const std::filesystem::path& root) {
  uint64_t bytes = 0;
  for (const KeptSet& set : kept_sets(root))
    for (const KeptSegment& segment : set.segments) bytes += segment.bytes;
  return bytes;
}

BOOST_AUTO_TEST_CASE(twenty_killed_writers_leave_whole_samples_only) {
  const TemporaryFolder folder;
  uint64_t first = 0;
  size_t torn = 0;
  for (uint64_t round = 0; round < 20; ++round) {
    const uint64_t until = bytes_in(folder.path) + 100'000 + round * 77'777;
    const pid_t child = fork();
    if (child == 0) append_until_killed(folder.path, first);
    while (bytes_in(folder.path) < until) {}
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);

    for (const KeptSet& set : kept_sets(folder.path))
      for (const KeptSegment& segment : set.segments) {
        const auto file = Segment::open(segment.path);
        BOOST_REQUIRE(file);
        (void)file->scan();
        torn += file->size() > file->end();
      }
    std::vector<std::string> warnings;
    SampleStore store(options(folder.path), [&](const std::string& words) { warnings.push_back(words); });
    uint64_t found = 0;
    for (uint64_t id = first; store.num_samples() > 0; ++id, ++found) {
      std::vector<std::byte> record;
      if (!store.read(id, record)) break;
      const auto wanted = record_of(id);
      BOOST_REQUIRE(std::equal(record.begin() + Segment::kRecordHeaderBytes, record.end(), wanted.begin() + Segment::kRecordHeaderBytes, wanted.end()));
    }
    BOOST_TEST(warnings.empty());
    first += found;
    BOOST_TEST(store.num_samples() == first);  // nothing is lost that stands before a torn end
  }
  BOOST_TEST(first > 0u);
  BOOST_TEST(torn > 0u, "no writer was met while it appended: the test has shown nothing");
}

BOOST_AUTO_TEST_SUITE_END()
