// Layout, in the byte order of this machine:
//   header    "THSAMP\0\1", the key, a random number that ties the index to its segment, 12 bytes of zero, CRC-32C of all before it: 64 bytes
//   record    "THSR", CRC-32C of the other 28 bytes of this header, id, bytes of the content, CRC-32C of the content, 4 bytes of zero: 32 bytes;
//             the content, filled up with zeroes to a multiple of 8
//   index     "THSIDX\0\1", the segment's random number, end, number of records, the records, CRC-32C of all before it
#include "segment.h"

#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <random>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "files/crc32c.h"
#include "files/input_file.h"
#include "files/whole_file.h"

namespace trainhost::sample_cache {
namespace {

namespace fs = std::filesystem;

static_assert(std::endian::native == std::endian::little, "the files would say another order than they are in");

constexpr std::array<char, 8> kMagic{'T', 'H', 'S', 'A', 'M', 'P', '\0', '\1'}, kIndexMagic{'T', 'H', 'S', 'I', 'D', 'X', '\0', '\1'};
constexpr std::array<char, 4> kRecordMagic{'T', 'H', 'S', 'R'};

struct SegmentHeader {
  std::array<char, 8> magic = kMagic;
  Key key{};
  uint64_t serial = 0;
  std::array<uint8_t, 12> zero{};
  uint32_t checksum = 0;
};
static_assert(sizeof(SegmentHeader) == Segment::kHeaderBytes);

struct RecordHeader {
  std::array<char, 4> magic = kRecordMagic;
  uint32_t header_checksum = 0;
  uint64_t id = 0, bytes = 0;
  uint32_t checksum = 0, zero = 0;
};
static_assert(sizeof(RecordHeader) == Segment::kRecordHeaderBytes);

struct IndexHeader {
  std::array<char, 8> magic = kIndexMagic;
  uint64_t serial = 0, end = 0, count = 0;
};

template <class T>
std::span<const std::byte> bytes_of(const T& value) { return std::as_bytes(std::span(&value, 1)); }

uint32_t checksum_of(SegmentHeader header) { return crc32c(bytes_of(header).first(sizeof header - sizeof header.checksum)); }
uint32_t checksum_of(RecordHeader header) {
  header.header_checksum = 0;
  return crc32c(bytes_of(header));
}

constexpr uint64_t padded(uint64_t bytes) { return (bytes + 7) / 8 * 8; }

[[noreturn]] void throw_errno(const fs::path& path) { throw std::system_error(errno, std::generic_category(), path.string()); }

void write_at(int descriptor, uint64_t offset, std::span<const std::byte> bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) throw_errno(path);
    bytes = bytes.subspan(static_cast<size_t>(wrote));
    offset += static_cast<uint64_t>(wrote);
  }
}

template <class T>
bool read_at(int descriptor, uint64_t offset, T& out) {
  return read_fully(descriptor, offset, std::as_writable_bytes(std::span(&out, 1))) == static_cast<ssize_t>(sizeof out);
}

int64_t now_seconds() { return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

fs::path index_path(const fs::path& segment) { return fs::path(segment).replace_extension(Segment::kIndexSuffix); }

std::unique_ptr<Segment> Segment::create(const fs::path& path, const Key& key) {
  Descriptor descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!descriptor || ::flock(descriptor.number(), LOCK_EX | LOCK_NB) != 0) throw_errno(path);
  SegmentHeader header;
  header.key = key;
  std::random_device random;
  header.serial = uint64_t{random()} << 32 | random();
  header.checksum = checksum_of(header);
  write_at(descriptor.number(), 0, bytes_of(header), path);
  std::unique_ptr<Segment> segment(new Segment(path, std::move(descriptor), true));
  segment->key_ = key, segment->serial_ = header.serial;
  return segment;
}

std::unique_ptr<Segment> Segment::open(const fs::path& path) {
  Descriptor descriptor(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  const bool is_writable = static_cast<bool>(descriptor);
  if (!is_writable) descriptor = Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  SegmentHeader header;
  if (!descriptor || !read_at(descriptor.number(), 0, header) || header.magic != kMagic || header.checksum != checksum_of(header)) return nullptr;
  std::unique_ptr<Segment> segment(new Segment(path, std::move(descriptor), is_writable));
  segment->key_ = header.key, segment->serial_ = header.serial;
  return segment;
}

std::unique_ptr<Segment> Segment::open(const fs::path& path, const Key& key) {
  auto segment = open(path);
  return segment && segment->key_ == key ? std::move(segment) : nullptr;
}

uint64_t Segment::size() const {
  struct stat status {};
  return ::fstat(descriptor_.number(), &status) == 0 && status.st_size > 0 ? static_cast<uint64_t>(status.st_size) : 0;
}

bool Segment::is_there() const {
  struct stat status {};
  return ::fstat(descriptor_.number(), &status) == 0 && status.st_nlink > 0;
}

std::vector<Record> Segment::read_index() {
  const std::vector<std::byte> bytes = read_whole(index_path(path_));
  IndexHeader header;
  uint32_t checksum = 0;
  if (bytes.size() < sizeof header + sizeof checksum) return {};
  const std::span<const std::byte> content = std::span(bytes).first(bytes.size() - sizeof checksum);
  std::memcpy(&header, bytes.data(), sizeof header);
  std::memcpy(&checksum, bytes.data() + content.size(), sizeof checksum);
  const std::span<const std::byte> rest = content.subspan(sizeof header);
  const bool is_sound = header.magic == kIndexMagic && header.serial == serial_ && checksum == crc32c(content) && header.end >= kHeaderBytes && header.end <= size() &&
                        rest.size() % sizeof(Record) == 0 && header.count == rest.size() / sizeof(Record);
  if (!is_sound) return {};
  std::vector<Record> records(header.count);
  if (!records.empty()) std::memcpy(static_cast<void*>(records.data()), rest.data(), rest.size());
  for (const Record& record : records)
    if (record.offset < kHeaderBytes || record.offset > header.end || record.bytes > header.end - record.offset) return {};
  end_ = header.end;
  return records;
}

void Segment::write_index(std::span<const Record> records) const {
  IndexHeader header;
  header.serial = serial_, header.end = end_, header.count = records.size();
  std::vector<std::byte> bytes;
  const auto add = [&](std::span<const std::byte> more) { bytes.insert(bytes.end(), more.begin(), more.end()); };
  add(bytes_of(header));
  for (const Record& record : records) add(bytes_of(record));
  add(bytes_of(crc32c(bytes)));
  (void)write_whole(index_path(path_), bytes);
}

std::vector<Record> Segment::scan() {
  std::vector<Record> records;
  const uint64_t size = this->size();
  RecordHeader header;
  while (end_ + sizeof header <= size && read_at(descriptor_.number(), end_, header)) {
    const uint64_t left = size - end_ - sizeof header;
    if (header.magic != kRecordMagic || header.header_checksum != checksum_of(header) || header.bytes > left || padded(header.bytes) > left) break;
    records.push_back({header.id, end_ + sizeof header, header.bytes, header.checksum, 0});
    end_ += sizeof header + padded(header.bytes);
  }
  return records;
}

bool Segment::read(const Record& record, std::span<std::byte> out) const {
  return read_fully(descriptor_.number(), record.offset, out) == static_cast<ssize_t>(out.size()) && crc32c(out) == record.checksum;
}

bool Segment::lock() { return is_writable_ && ::flock(descriptor_.number(), LOCK_EX | LOCK_NB) == 0; }
void Segment::unlock() { ::flock(descriptor_.number(), LOCK_UN); }

void Segment::drop_tail() {
  if (size() > end_ && ::ftruncate(descriptor_.number(), static_cast<off_t>(end_)) != 0) throw_errno(path_);
}

Record Segment::append(uint64_t id, std::vector<std::byte>& record) {
  const std::span<const std::byte> content = std::span<const std::byte>(record).subspan(kRecordHeaderBytes);
  RecordHeader header;
  header.id = id, header.bytes = content.size(), header.checksum = crc32c(content);
  header.header_checksum = checksum_of(header);
  std::memcpy(record.data(), &header, sizeof header);
  record.resize(sizeof header + padded(header.bytes));
  try {
    write_at(descriptor_.number(), end_, record, path_);
  } catch (const std::system_error&) {
    (void)!::ftruncate(descriptor_.number(), static_cast<off_t>(end_));  // where that fails too, the next writer cuts it off
    throw;
  }
  const Record written{id, end_ + sizeof header, header.bytes, header.checksum, 0};
  end_ += record.size();
  return written;
}

void Segment::touch() {
  const int64_t now = now_seconds();
  int64_t before = touched_s_.load(std::memory_order_relaxed);
  if (before != 0 && now - before < kTouchSeconds) return;
  if (!touched_s_.compare_exchange_strong(before, now, std::memory_order_relaxed)) return;
  const timespec times[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
  (void)::futimens(descriptor_.number(), times);  // the time of use only, whatever the mount says about it
}

}  // namespace trainhost::sample_cache
