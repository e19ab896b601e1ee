// Nothing in the bytes is believed before it has been compared with what is left of them and with the size of the shard.
#include "index_file.h"

#include <algorithm>
#include <cstring>

#include "files/crc32c.h"
#include "tar_header.h"

namespace trainhost::tarshards {
namespace {

constexpr std::string_view kMagic("THTARIX\1", 8);
constexpr size_t kChecksumBytes = 4;

class Writer {
 public:
  template <class T>
  void number(T value) {
    for (size_t i = 0; i < sizeof value; ++i) out_.push_back(static_cast<std::byte>(uint64_t{value} >> (8 * i)));
  }
  void raw(std::string_view text) {
    const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
    out_.insert(out_.end(), bytes, bytes + text.size());
  }
  void text(std::string_view text) {
    number(static_cast<uint32_t>(text.size()));
    raw(text);
  }
  std::vector<std::byte> finish() {
    number(crc32c(out_));
    return std::move(out_);
  }

 private:
  std::vector<std::byte> out_;
};

// Once something does not fit, it fails for good and gives zeroes.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : rest_(bytes) {}

  template <class T>
  T number() {
    uint64_t value = 0;
    const auto bytes = take(sizeof(T));
    for (size_t i = 0; i < bytes.size(); ++i) value |= std::to_integer<uint64_t>(bytes[i]) << (8 * i);
    return static_cast<T>(value);
  }
  std::string text() {
    const auto bytes = take(number<uint32_t>());
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  /// A count of things that have at least `smallest` bytes each.
  template <class T>
  T count(size_t smallest) {
    const T value = number<T>();
    require(value <= rest_.size() / smallest);
    return is_sound_ ? value : 0;
  }
  void require(bool condition) { is_sound_ = is_sound_ && condition; }
  bool is_sound() const { return is_sound_; }
  bool is_at_end() const { return rest_.empty(); }

 private:
  std::span<const std::byte> take(size_t size) {
    require(size <= rest_.size());
    if (!is_sound_) return {};
    const auto taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }

  std::span<const std::byte> rest_;
  bool is_sound_ = true;
};

IndexedSample read_sample(Reader& reader, size_t num_extensions, uint64_t shard_size) {
  IndexedSample sample{reader.text(), {}};
  sample.members.resize(reader.count<uint32_t>(20));
  for (IndexedMember& member : sample.members) {
    member = {reader.number<uint32_t>(), reader.number<uint64_t>(), reader.number<uint64_t>()};
    reader.require(member.extension < num_extensions);
    reader.require(member.offset >= kBlock && member.offset <= shard_size && member.size <= shard_size - member.offset);
  }
  reader.require(!sample.members.empty());
  return sample;
}

}  // namespace

std::vector<std::byte> write_index(const ShardIndex& index, uint64_t shard_size, std::string_view shard_version) {
  Writer out;
  out.raw(kMagic);
  out.number(shard_size);
  out.text(shard_version);
  out.number(static_cast<uint8_t>(index.has_end_mark));
  out.number(static_cast<uint32_t>(index.extensions.size()));
  for (const std::string& extension : index.extensions) out.text(extension);
  out.number(index.num_faults);
  out.number(static_cast<uint32_t>(index.faults.size()));
  for (const Fault& fault : index.faults) out.number(fault.offset), out.text(fault.words);
  out.number(uint64_t{index.samples.size()});
  for (const IndexedSample& sample : index.samples) {
    out.text(sample.key);
    out.number(static_cast<uint32_t>(sample.members.size()));
    for (const IndexedMember& member : sample.members) out.number(member.extension), out.number(member.offset), out.number(member.size);
  }
  return out.finish();
}

std::optional<ShardIndex> read_index(std::span<const std::byte> bytes, uint64_t shard_size, std::string_view shard_version) {
  if (bytes.size() < kMagic.size() + kChecksumBytes || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) return std::nullopt;
  const auto covered = bytes.first(bytes.size() - kChecksumBytes);
  if (Reader(bytes.last(kChecksumBytes)).number<uint32_t>() != crc32c(covered)) return std::nullopt;

  Reader in(covered.subspan(kMagic.size()));
  in.require(in.number<uint64_t>() == shard_size);
  in.require(in.text() == shard_version);
  ShardIndex index;
  index.has_end_mark = in.number<uint8_t>() != 0;
  index.extensions.resize(in.count<uint32_t>(4));
  for (std::string& extension : index.extensions) extension = in.text();
  index.num_faults = in.number<uint64_t>();
  index.faults.resize(in.count<uint32_t>(12));
  for (Fault& fault : index.faults) fault = {in.number<uint64_t>(), in.text()};
  in.require(index.faults.size() <= index.num_faults && index.faults.empty() == (index.num_faults == 0));
  index.samples.resize(in.count<uint64_t>(8));
  for (IndexedSample& sample : index.samples) sample = read_sample(in, index.extensions.size(), shard_size);
  if (!in.is_sound() || !in.is_at_end()) return std::nullopt;
  return index;
}

}  // namespace trainhost::tarshards
