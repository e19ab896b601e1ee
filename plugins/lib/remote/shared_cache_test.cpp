// Eight processes read one bucket: each byte is fetched about once, also while the store fails.
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <random>

#include <sys/wait.h>
#include <unistd.h>

#include "remote/testing/bucket.h"

using namespace trainhost;
using namespace trainhost::remote::testing;
using trainhost::remote::RemoteOptions;

BOOST_FIXTURE_TEST_SUITE(shared_cache_test, BucketOfFiles)

constexpr int kReaders = 8;
constexpr uint64_t kPiece = 100'000;

// As the host does it: what is UNAVAILABLE is tried again.
void read_patiently(const RangedFile& file, uint64_t offset, std::span<std::byte> out) {
  for (int tries = 0;; ++tries) {
    try {
      return file.read(offset, out);
    } catch (const PluginError& error) {
      if (error.status != TRAINHOST_UNAVAILABLE || tries == 20) throw;
    }
  }
}

// An epoch of one process, in an order of its own; whether all bytes were right.
bool read_all(const RemoteOptions& options, const std::map<std::string, std::string>& contents, unsigned seed) {
  Opened opened(options);
  struct Piece {
    const RangedFile* file;
    uint64_t offset;
    std::string_view bytes;
  };
  std::vector<std::unique_ptr<RangedFile>> files;
  std::vector<Piece> pieces;
  for (const ListedFile& listed : opened.files.list(std::vector<std::string>{"s3://bucket/x-*"}, "k")) {
    files.push_back(opened.files.open_object(listed.path));
    const std::string_view all = contents.at(listed.name);
    for (uint64_t offset = 0; offset < all.size(); offset += kPiece) pieces.push_back({files.back().get(), offset, all.substr(offset, kPiece)});
  }
  std::shuffle(pieces.begin(), pieces.end(), std::mt19937(seed));
  for (const Piece& piece : pieces) {
    std::string bytes(piece.bytes.size(), '\0');
    read_patiently(*piece.file, piece.offset, std::as_writable_bytes(std::span(bytes)));
    if (bytes != piece.bytes) return false;
  }
  return true;
}

BOOST_DATA_TEST_CASE(eight_readers_fetch_the_data_once, boost::unit_test::data::make({"0", "0.4"}), storm) {
  std::map<std::string, std::string> contents;
  uint64_t size = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const std::string name = format("x-{}", i);
    contents[name] = noise((i + 1) * 4'300'000, i + 1);
    size += contents[name].size();
    put(name, contents[name]);
  }
  server.ask("storm {}", storm);
  std::vector<pid_t> readers;
  for (unsigned i = 0; i < kReaders; ++i) {
    readers.push_back(::fork());
    if (readers.back() != 0) continue;
    bool is_right = false;
    try {
      is_right = read_all(options(), contents, i);
    } catch (const std::exception& failure) {
      std::fprintf(stderr, "reader %u: %s\n", i, failure.what());
    }
    ::_exit(is_right ? 0 : 1);
  }
  for (const pid_t reader : readers) {
    int status = 1;
    ::waitpid(reader, &status, 0);
    BOOST_TEST(status == 0);
  }
  const uint64_t bytes = served();
  BOOST_TEST(bytes >= size);
  BOOST_TEST(bytes <= size + size / 20, bytes << " bytes were sent of " << size);
}

BOOST_AUTO_TEST_SUITE_END()
