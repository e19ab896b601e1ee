// Archives of all kinds and the samples in them, without the plugin around.
#include <boost/test/unit_test.hpp>

#include <trainhost/testing.hpp>

#include "dali_index.h"
#include "files/testing/folder.h"
#include "index_file.h"
#include "files/local_file.h"
#include "read_ahead.h"
#include "shard_index.h"
#include "testing/archive.h"

using namespace trainhost;
using namespace trainhost::tarshards;
using namespace trainhost::testing;

namespace {

ShardIndex scanned(const std::string& archive) { return scan_shard(MemoryShard(archive)); }

// "key:ext=size,ext=size;..." of all samples.
std::string text_of(const ShardIndex& index) {
  std::string out;
  for (const IndexedSample& sample : index.samples) {
    out += sample.key + ":";
    for (const IndexedMember& member : sample.members) out += format("{}={} ", index.extensions[member.extension], member.size);
    out.back() = ';';
  }
  return out;
}

std::string faults_of(const ShardIndex& index) {
  std::string out;
  for (const Fault& fault : index.faults) out += format("{}: {};", fault.offset, fault.words);
  return out;
}

bool is_equal(const ShardIndex& a, const ShardIndex& b) { return write_index(a, 1, "x") == write_index(b, 1, "x"); }

const std::string kTwo = tar_member("a.txt", "1") + tar_member("a.cls", "22") + tar_member("b.txt", "333");

}  // namespace

BOOST_AUTO_TEST_SUITE(tarshards_archives_test)

BOOST_AUTO_TEST_CASE(the_package_webdataset_reads_the_same_samples) {
  const TemporaryFolder folder;
  oracle(folder, "dialects");
  oracle(folder, format("read '{}'/*.tar", folder.path.string()));
  std::string ours;
  for (const char* dialect : {"gnu", "pax", "ustar"}) {
    const auto shard = open_local_file(folder.path / (std::string(dialect) + ".tar"), true);
    const ShardIndex index = scan_shard(*shard);
    BOOST_TEST(faults_of(index) == "");
    BOOST_TEST(index.has_end_mark);
    BOOST_TEST(index.samples.size() == 60u);
    for (const IndexedSample& sample : index.samples)
      for (const IndexedMember& member : sample.members) {
        std::string content(member.size, '\0');
        shard->read(member.offset, std::as_writable_bytes(std::span(content)));
        ours += format("{} {} {}\n", sample.key, index.extensions[member.extension], member.size) + content;
      }
  }
  BOOST_TEST((ours == folder.content("read")));
}

BOOST_AUTO_TEST_CASE(members_of_one_key_are_a_sample) {
  BOOST_TEST(text_of(scanned(kTwo + tar_end())) == "a:txt=1 cls=2;b:txt=3;");
  BOOST_TEST(text_of(scanned(tar_member("x/y.z/a.b.JPG", "1") + tar_end())) == "x/y.z/a:b.jpg=1;");
}

BOOST_AUTO_TEST_CASE(what_has_no_key_is_passed_over) {
  const std::string others = tar_member("none", "1") + tar_member(".hidden", "1") + tar_member("x/.hidden.txt", "1") +
                             tar_member("__index__/a.json", "{}") + tar_header("folder.d/", 0, '5') + tar_header("link.txt", 0, '2');
  BOOST_TEST(text_of(scanned(others + kTwo + tar_end())) == "a:txt=1 cls=2;b:txt=3;");
}

BOOST_AUTO_TEST_CASE(sizes_may_be_base_256_or_pax) {
  const std::string binary = std::string("\x80", 1) + std::string(10, '\0') + "\x03";
  BOOST_TEST(text_of(scanned(tar_header("a.txt", 0, '0', binary) + tar_content("123") + tar_end())) == "a:txt=3;");
  const std::string record = "10 size=4\n";
  BOOST_TEST(text_of(scanned(tar_member("pax", record, 'x') + tar_header("c.txt", 0) + tar_content("1234") + kTwo + tar_end())) == "c:txt=4;a:txt=1 cls=2;b:txt=3;");
}

BOOST_AUTO_TEST_CASE(long_names_are_put_together) {
  const std::string name = std::string(300, 'n') + ".txt";
  const std::string expected = std::string(300, 'n') + ":txt=1;";
  BOOST_TEST(text_of(scanned(tar_member("././@LongLink", name + '\0', 'L') + tar_member(name, "1") + tar_end())) == expected);
  // Neither the long target of a link nor a global header between them makes the name forgotten.
  BOOST_TEST(text_of(scanned(tar_member("././@LongLink", name + '\0', 'L') + tar_member("././@LongLink", std::string(200, 'l'), 'K') + tar_member("g", "13 comment=x\n", 'g') +
                             tar_member(name, "1") + tar_end())) == expected);
  BOOST_TEST(text_of(scanned(tar_header("a.txt", 1, '0', {}, "folder/below") + tar_content("1") + tar_end())) == "folder/below/a:txt=1;");
}

BOOST_AUTO_TEST_CASE(damage_ends_the_reading_and_says_where) {
  const std::string whole = kTwo + tar_member("c.txt", std::string(700, 'c')) + tar_end();
  const auto check = [](const std::string& archive, const char* samples, const char* words) {
    const ShardIndex index = scanned(archive);
    BOOST_TEST(text_of(index) == samples);
    BOOST_TEST(index.num_faults == 1u);
    BOOST_TEST(faults_of(index).find(words) != std::string::npos, faults_of(index));
  };
  check(whole.substr(0, 3 * 1024 + 512 + 600), "a:txt=1 cls=2;", "3072: member \"c.txt\" has 700 bytes, but the archive is cut 600 bytes behind its header");
  check(whole.substr(0, 3 * 1024 + 100), "a:txt=1 cls=2;", "3072: the archive is cut: 100 bytes are left where a header of 512 stands");
  std::string flipped = whole;
  flipped[1024 + 3] ^= 1;
  check(flipped, "", "1024: no header of a tar archive stands there: its checksum does not fit");
  check(kTwo + tar_header("s.txt", 0, 'S') + tar_end(), "a:txt=1 cls=2;", "3072: member \"s.txt\" is a sparse file");
  check(kTwo + tar_member("x", "22 GNU.sparse.major=1\n", 'x') + tar_member("s.txt", "1") + tar_end(), "a:txt=1 cls=2;", "sparse");
  check(kTwo + tar_header("m.txt", 0, 'M') + tar_end(), "a:txt=1 cls=2;", "another volume");
  check(kTwo + tar_header("n.txt", 0, '0', "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff") + tar_end(), "a:txt=1 cls=2;", "size is no number");
  check(kTwo + tar_header("n.txt", 0, '0', std::string("\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12)) + tar_end(), "a:txt=1 cls=2;", "size is no number");
  check(kTwo + tar_header("n.txt", 0, '0', std::string("\x80\x01\0\0\0\0\0\0\0\0\0\0", 12)) + tar_end(), "a:txt=1 cls=2;", "size is no number");
  check(kTwo + tar_member("x", "99 path=a\n", 'x') + tar_end(), "a:txt=1 cls=2;", "damaged pax header");
  check(kTwo + tar_member("././@LongLink", "n.txt", 'L') + tar_end(), "a:txt=1 cls=2;", "describes one more member");
  check("GIF89a" + std::string(2000, 'x'), "", "0: no header of a tar archive");
}

BOOST_AUTO_TEST_CASE(an_archive_without_its_end_mark_is_read_and_says_so) {
  const ShardIndex index = scanned(kTwo);
  BOOST_TEST(text_of(index) == "a:txt=1 cls=2;b:txt=3;");
  BOOST_TEST(!index.has_end_mark);
  BOOST_TEST(index.num_faults == 0u);
}

BOOST_AUTO_TEST_CASE(a_key_that_comes_again_is_a_fault_and_its_later_members_are_left_out) {
  const ShardIndex index = scanned(kTwo + tar_member("a.json", "{}") + tar_member("c.txt", "1") + tar_end());
  BOOST_TEST(text_of(index) == "a:txt=1 cls=2;b:txt=3;c:txt=1;");
  BOOST_TEST(faults_of(index) == "3584: member \"a.json\": the key \"a\" has come before; the members of a sample must follow each other;");
}

BOOST_AUTO_TEST_CASE(an_extension_that_comes_twice_is_a_fault_and_spoils_its_sample) {
  const ShardIndex index = scanned(tar_member("a.txt", "1") + tar_member("a.TXT", "22") + tar_member("b.txt", "1") + tar_end());
  BOOST_TEST(text_of(index) == "b:txt=1;");
  BOOST_TEST(faults_of(index) == "1536: member \"a.TXT\": its sample has a member .txt already; each extension may come once;");
}

BOOST_AUTO_TEST_CASE(each_piece_is_asked_for_once_and_none_beyond_the_end) {
  class Watched final : public RangedFile {
   public:
    const std::string& name() const override { return name_; }
    uint64_t size() const override { return 2 * ReadAhead::kPiece + 10; }
    std::string version() const override { return {}; }
    void read(uint64_t, std::span<std::byte>) const override {}
    void expect(uint64_t offset, uint64_t size) const override { asked += format("{}+{};", offset, size); }
    mutable std::string asked;

   private:
    std::string name_;
  };
  const Watched file;
  ReadAhead ahead;
  ahead.expect(file, 0, 100);
  BOOST_TEST(file.asked == "");
  ahead.begin(file);
  ahead.expect(file, 100, 100);
  ahead.expect(file, ReadAhead::kPiece - 5, 5);
  BOOST_TEST(file.asked == "0+1048576;");
  ahead.expect(file, ReadAhead::kPiece - 1, ReadAhead::kPiece + 11);
  BOOST_TEST(file.asked == "0+1048576;1048576+1048576;2097152+10;");
  ahead.expect(file, file.size(), 0);
  BOOST_TEST(file.asked == "0+1048576;1048576+1048576;2097152+10;");
  BOOST_TEST(fits_into_memory(1000));
  BOOST_TEST(!fits_into_memory(UINT64_MAX / 2 + 1));
}

BOOST_AUTO_TEST_CASE(an_index_comes_back_as_it_was) {
  ShardIndex index = scanned(kTwo + tar_member("a.json", "{}") + tar_end());
  const std::vector<std::byte> bytes = write_index(index, 8000, "v1");
  const auto back = read_index(bytes, 8000, "v1");
  BOOST_REQUIRE(back);
  BOOST_TEST(is_equal(*back, index));
  BOOST_TEST(!read_index(bytes, 8001, "v1"));
  BOOST_TEST(!read_index(bytes, 8000, "v2"));
}

BOOST_AUTO_TEST_CASE(a_damaged_index_is_no_index) {
  const std::vector<std::byte> bytes = write_index(scanned(kTwo + tar_end()), 8000, "v1");
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::vector<std::byte> damaged = bytes;
    damaged[i] ^= std::byte{4};
    BOOST_TEST(!read_index(damaged, 8000, "v1"), "byte " << i);
    BOOST_TEST(!read_index(std::span(bytes).first(i), 8000, "v1"), "cut at " << i);
  }
}

BOOST_AUTO_TEST_CASE(dalis_indexes_say_what_a_walk_finds) {
  const TemporaryFolder folder;
  oracle(folder, "dialects");
  for (const char* version : {"v1.1", "v1.2"})
    for (const char* dialect : {"ustar", "gnu"}) {
      if (std::string(version) == "v1.1" && std::string(dialect) == "gnu") continue;  // its long names are not in the index
      const auto path = folder.path / (std::string(dialect) + ".tar");
      oracle(folder, format("dali '{}' '{}' {}", path.string(), (folder.path / "index").string(), version));
      const auto shard = open_local_file(path, true);
      BOOST_TEST(is_equal(import_dali_index(folder.content("index"), "index", *shard), scan_shard(*shard)), version << " " << dialect);
    }
}

BOOST_AUTO_TEST_CASE(dalis_indexes_are_checked_against_the_archive) {
  const MemoryShard shard(kTwo + tar_end());
  const auto words = [&](const std::string& text) { return words_of([&] { import_dali_index(text, "a.idx", shard); }); };
  BOOST_TEST(words("v1.2 2\ntxt 512 1 a.txt cls 1536 2 a.cls\ntxt 2560 3 b.txt\n") == "");
  BOOST_TEST(words("v2.0 1\n").find("a.idx:1: the first line must be") == 0);
  BOOST_TEST(words("v1.1 2\ntxt 512 1\n").find("2 samples are announced, 1 are there") != std::string::npos);
  BOOST_TEST(words("v1.1 1\ntxt 512 1\ntxt 2560 3\n").find("more lines") != std::string::npos);
  BOOST_TEST(words("v1.1 1\ntxt 512\n").find("a.idx:2: 2 words, wanted 3") == 0);
  BOOST_TEST(words("v1.1 1\ntxt 512 2\n").find("shard.tar has one of 1 there") != std::string::npos);
  BOOST_TEST(words("v1.1 1\ntxt 1024 1\n").find("no header") != std::string::npos);
  BOOST_TEST(words("v1.1 1\ntxt 512 18446744073709551615\n").find("not inside") != std::string::npos);
  BOOST_TEST(words("v1.1 1\ntxt -512 1\n").find("wanted a whole number") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
