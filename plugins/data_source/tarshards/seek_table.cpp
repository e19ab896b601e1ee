// The last frame is one that decoders skip: a header of 8 bytes, an entry for each frame, and a footer of 9 bytes.
#include "seek_table.h"

#include <array>

#include <trainhost/cpp/error.hpp>

namespace trainhost::tarshards {
namespace {

constexpr uint32_t kZstdMagic = 0xFD2FB528, kSkippableMagic = 0x184D2A5E, kSeekableMagic = 0x8F92EAB1;
constexpr uint64_t kHeaderBytes = 8, kFooterBytes = 9;
constexpr uint64_t kMostFrames = uint64_t{1} << 24;

uint32_t number_at(std::span<const std::byte> bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value |= std::to_integer<uint32_t>(bytes[at + i]) << (8 * i);
  return value;
}

PluginError damaged(const RangedFile& file, std::string_view words) {
  return {TRAINHOST_DATA_LOSS, format("{}: its seek table is damaged: {}; compress the shard anew", file.name(), words)};
}

struct Footer {
  uint64_t num_frames;
  bool has_checksums;
};

Footer read_footer(const RangedFile& file) {
  std::array<std::byte, kFooterBytes> bytes{};
  if (file.size() >= kHeaderBytes + kFooterBytes) file.read(file.size() - kFooterBytes, bytes);
  if (number_at(bytes, 5) != kSeekableMagic) {
    throw PluginError(TRAINHOST_INVALID_ARGUMENT,
                      format("{}: a zstd file without a seek table at its end, so that samples cannot be found in it; compress it in Zstandard's seekable format, or unpack it", file.name()));
  }
  const auto descriptor = std::to_integer<unsigned>(bytes[4]);
  if (descriptor & 0x7c) throw damaged(file, "bits that must be zero are set");
  return {number_at(bytes, 0), (descriptor & 0x80) != 0};
}

}  // namespace

bool is_zstd(const RangedFile& file) {
  std::array<std::byte, 4> bytes{};
  if (file.size() < bytes.size()) return false;
  file.read(0, bytes);
  return number_at(bytes, 0) == kZstdMagic;
}

SeekTable read_seek_table(const RangedFile& file) {
  const Footer footer = read_footer(file);
  const uint64_t entry_bytes = footer.has_checksums ? 12 : 8;
  if (footer.num_frames > kMostFrames) throw damaged(file, format("{} frames, at most {} are read", footer.num_frames, kMostFrames));
  const uint64_t content_bytes = footer.num_frames * entry_bytes + kFooterBytes, table_bytes = kHeaderBytes + content_bytes;
  if (table_bytes > file.size()) throw damaged(file, format("{} frames do not fit into a file of {} bytes", footer.num_frames, file.size()));
  std::vector<std::byte> bytes(table_bytes);
  file.read(file.size() - table_bytes, bytes);
  if (number_at(bytes, 0) != kSkippableMagic || number_at(bytes, 4) != content_bytes) throw damaged(file, "it does not begin where its length says");

  SeekTable table;
  table.has_checksums = footer.has_checksums;
  uint64_t offset = 0;
  for (uint64_t i = 0; i < footer.num_frames; ++i) {
    const size_t entry = kHeaderBytes + i * entry_bytes;
    const SeekTable::Frame frame{offset, number_at(bytes, entry), table.size, number_at(bytes, entry + 4), footer.has_checksums ? number_at(bytes, entry + 8) : 0};
    if (frame.size > kLargestFrame) throw damaged(file, format("frame {} holds {} bytes, at most {} are read", i, frame.size, kLargestFrame));
    offset += frame.bytes;
    table.size += frame.size;
    if (frame.size > 0) table.frames.push_back(frame);
  }
  if (offset != file.size() - table_bytes) throw damaged(file, format("its frames have {} bytes, the file has {} before it", offset, file.size() - table_bytes));
  return table;
}

}  // namespace trainhost::tarshards
