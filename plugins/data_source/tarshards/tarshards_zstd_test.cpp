// Compressed shards: pyzstd writes them.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <boost/test/unit_test.hpp>

#include <thread>

#include <trainhost/testing.hpp>

#include "files/testing/folder.h"
#include "files/testing/samples.h"
#include "images/keyed_random.h"
#include "seek_table.h"
#include "testing/archive.h"
#include "zstd_file.h"

using namespace trainhost;
using namespace trainhost::tarshards;
using namespace trainhost::testing;

namespace {

std::string archive() {
  images::KeyedRandom random(1);
  std::string out;
  for (int i = 0; i < 60; ++i) {
    std::string content(random.below(5000), ' ');
    for (char& c : content) c = static_cast<char>(random.below(20) + 'a');
    out += tar_member(format("key{}.txt", i), content);
  }
  return out + tar_end();
}

// `bytes`, compressed by Python in frames of that many bytes.
std::string compressed(const std::string& bytes, uint64_t frame_bytes) {
  const TemporaryFolder folder;
  const char* modules = std::getenv("TRAINHOST_TEST_MODULES");
  ::setenv("PYTHONPATH", modules ? modules : "", 1);
  python(format("testing/write_shards.py '{}' zstd '{}' '{}' {}", folder.path.string(), folder.write("plain", bytes), (folder.path / "out").string(), frame_bytes));
  return folder.content("out");
}

std::string le32(uint32_t value) {
  std::string out(4, '\0');
  for (size_t i = 0; i < 4; ++i) out[i] = static_cast<char>(value >> (8 * i));
  return out;
}

SeekTable table_of(const std::string& file) { return read_seek_table(MemoryShard(file)); }

std::string words_of_table(const std::string& file) {
  return words_of([&] { table_of(file); });
}

std::string read_range(const RangedFile& file, uint64_t offset, uint64_t size) {
  std::string out(size, '\0');
  file.read(offset, std::as_writable_bytes(std::span(out)));
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tarshards_zstd_test)

BOOST_AUTO_TEST_CASE(any_range_is_that_of_what_was_compressed) {
  const std::string plain = archive();
  for (const uint64_t frame_bytes : {3000u, 70000u, 10000000u}) {
    FrameCache cache(200000);
    const auto file = open_zstd_file(std::make_unique<MemoryShard>(compressed(plain, frame_bytes)), cache);
    BOOST_REQUIRE(file->size() == plain.size());
    images::KeyedRandom random(2);
    for (int i = 0; i < 200; ++i) {
      const uint64_t offset = random.below(static_cast<uint32_t>(plain.size())), size = random.below(static_cast<uint32_t>(plain.size() - offset));
      BOOST_TEST((read_range(*file, offset, size) == plain.substr(offset, size)));
    }
    BOOST_TEST((read_range(*file, 0, plain.size()) == plain));
    BOOST_TEST(status_of([&] { read_range(*file, plain.size() - 3, 4); }) == TRAINHOST_DATA_LOSS);
  }
}

BOOST_AUTO_TEST_CASE(a_compressed_shard_has_the_samples_of_the_plain_one) {
  TemporaryFolder folder;
  folder.write("x.tar", archive());
  folder.write("y.tar.zst", compressed(archive(), 9000));
  PluginUnderTest plain, packed;
  const auto config = [&](const char* name) { return format(R"({{"files":"{}/{}","split":"all","fields":["text bytes txt"]}})", folder.path.string(), name); };
  plain.create(config("x.tar")).start();
  packed.create(config("y.tar.zst")).start();
  BOOST_TEST(source_info(packed).num_samples == 60u);
  BOOST_TEST((bytes_of_field(packed, 0) == bytes_of_field(plain, 0)));
}

BOOST_AUTO_TEST_CASE(threads_that_read_together_get_what_one_gets) {
  TemporaryFolder folder;
  folder.write("x.tar.zst", compressed(archive(), 9000));
  folder.write("y.tar", archive().substr(0, archive().size() / 1024 * 512) + tar_end());
  PluginUnderTest source;
  source.create(format(R"({{"files":"{}/*.tar*","split":"all","on_error":"skip","fields":["text bytes txt"]}})", folder.path.string())).start();
  const std::vector<Sample> alone = read(source, all_ids(source));
  std::vector<int> wrong(4);
  {
    std::vector<std::jthread> threads;
    for (size_t t = 0; t < wrong.size(); ++t)
      threads.emplace_back([&, t] {
        for (size_t i = 0; i < alone.size(); ++i) {
          const size_t id = (i * 7 + t * 13) % alone.size();
          wrong[t] += read(source, {id})[0][0].as<char>() != alone[id][0].as<char>();
        }
      });
  }
  BOOST_TEST(wrong == std::vector<int>(4), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(without_a_seek_table_there_is_no_way_in) {
  TemporaryFolder folder;
  const std::string whole = compressed(archive(), 9000);
  const uint64_t table_bytes = 8 + table_of(whole).frames.size() * 8 + 9;
  folder.write("x.tar.zst", whole.substr(0, whole.size() - table_bytes));
  PluginUnderTest source;
  const std::string settings = format(R"({{"files":"{}/x.tar.zst","fields":["text bytes txt"]}})", folder.path.string());
  BOOST_TEST(status_of([&] { source.create(settings).start(); }) == TRAINHOST_INVALID_ARGUMENT);
  BOOST_TEST(words_of([&] { source.create(settings).start(); }).find("x.tar.zst: a zstd file without a seek table") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_table_that_does_not_fit_its_file_is_refused) {
  const std::string whole = compressed(archive(), 9000);
  const size_t end = whole.size();
  const auto with = [&](size_t at, const std::string& bytes) { return std::string(whole).replace(at, bytes.size(), bytes); };
  BOOST_TEST(words_of_table(whole) == "");
  BOOST_TEST(words_of_table(with(end - 9, le32(1 << 20))).find("do not fit into a file") != std::string::npos);
  BOOST_TEST(words_of_table(with(end - 9, le32(0xffffffff))).find("at most 16777216 are read") != std::string::npos);
  BOOST_TEST(words_of_table(with(end - 9, le32(3))).find("does not begin where its length says") != std::string::npos);
  BOOST_TEST(words_of_table(with(end - 5, "\x40")).find("bits that must be zero") != std::string::npos);
  BOOST_TEST(words_of_table(with(end - 17, le32(1))).find("its frames have") != std::string::npos);
  BOOST_TEST(words_of_table(with(end - 13, le32(0x7fffffff))).find("at most 268435456 are read") != std::string::npos);
  BOOST_TEST(status_of([&] { table_of(with(end - 17, le32(1))); }) == TRAINHOST_DATA_LOSS);
  BOOST_TEST(words_of_table("\x28\xb5\x2f\xfd").find("without a seek table") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(damage_in_a_frame_is_found) {
  const std::string plain = archive(), whole = compressed(plain, 9000);
  const SeekTable table = table_of(whole);
  FrameCache cache(1 << 20);
  images::KeyedRandom random(3);
  int found = 0;
  for (int i = 0; i < 100; ++i) {
    std::string damaged = whole;
    const SeekTable::Frame& frame = table.frames[random.below(static_cast<uint32_t>(table.frames.size()))];
    damaged[frame.offset + random.below(static_cast<uint32_t>(frame.bytes))] ^= static_cast<char>(1 << random.below(8));
    const auto file = open_zstd_file(std::make_unique<MemoryShard>(damaged), cache);
    const trainhost_status status = status_of([&] { BOOST_TEST((read_range(*file, 0, plain.size()) == plain)); });  // some bits of a frame mean nothing
    BOOST_TEST((status == TRAINHOST_OK || status == TRAINHOST_DATA_LOSS));
    found += status == TRAINHOST_DATA_LOSS;
  }
  BOOST_TEST(found > 90);  // also where a file lies at the address of the one before
}

BOOST_AUTO_TEST_CASE(a_frame_of_another_size_than_the_table_says_is_damage) {
  const std::string whole = compressed(archive(), 10000000);
  const SeekTable::Frame frame = table_of(whole).frames.at(0);
  FrameCache cache(1 << 20);
  for (const uint32_t more : {1u, 0xffffffffu}) {
    const std::string other = std::string(whole).replace(whole.size() - 13, 4, le32(static_cast<uint32_t>(frame.size) + more));
    const auto file = open_zstd_file(std::make_unique<MemoryShard>(other), cache);
    const std::string words = words_of([&] { read_range(*file, 0, 1); });
    BOOST_TEST(words.find("the zstd frame at byte 0 of the file is damaged") != std::string::npos, words);
  }
}

// pyzstd writes tables without checksums, other programs with.
BOOST_AUTO_TEST_CASE(checksums_of_a_table_are_compared) {
  const std::string plain = archive(), whole = compressed(plain, 10000000);
  const SeekTable::Frame frame = table_of(whole).frames.at(0);
  const auto with_checksum = [&](uint32_t checksum) {
    return whole.substr(0, frame.bytes) + le32(0x184D2A5E) + le32(12 + 9) + le32(static_cast<uint32_t>(frame.bytes)) + le32(static_cast<uint32_t>(frame.size)) + le32(checksum) + le32(1) + "\x80" +
           le32(0x8F92EAB1);
  };
  FrameCache cache(1 << 20);
  const auto right = open_zstd_file(std::make_unique<MemoryShard>(with_checksum(static_cast<uint32_t>(XXH64(plain.data(), plain.size(), 0)))), cache);
  BOOST_TEST((read_range(*right, 0, plain.size()) == plain));
  const auto wrong = open_zstd_file(std::make_unique<MemoryShard>(with_checksum(12345)), cache);
  BOOST_TEST(words_of([&] { read_range(*wrong, 0, 1); }).find("its checksum is another one") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_cache_stays_within_its_bound) {
  FrameCache cache(300000);
  const auto content = [] { return std::make_shared<const std::vector<std::byte>>(100000); };
  const uint64_t file = cache.number_of_new_file(), other = cache.number_of_new_file();
  for (uint64_t frame = 0; frame < 5; ++frame) cache.keep(file, frame, content());
  BOOST_TEST(!cache.find(file, 0));
  BOOST_TEST(!cache.find(file, 1));
  BOOST_TEST(!!cache.find(file, 2));  // now the one used last
  cache.keep(file, 5, content());
  BOOST_TEST(!!cache.find(file, 2));
  BOOST_TEST(!cache.find(file, 3));
  BOOST_TEST(!cache.find(other, 2));
}

BOOST_AUTO_TEST_SUITE_END()
