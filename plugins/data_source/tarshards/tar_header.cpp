// The layout is that of POSIX ustar; GNU differs in the magic and has no prefix of the name.
#include "tar_header.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include <trainhost/format.hpp>

namespace trainhost::tarshards {
namespace {

constexpr size_t kChecksumBegin = 148, kChecksumEnd = 156;

using Block = std::span<const std::byte, kBlock>;

std::string_view text_of(Block block, size_t begin, size_t length) {
  const std::string_view field(reinterpret_cast<const char*>(block.data()) + begin, length);
  return field.substr(0, std::min(field.find('\0'), length));
}

std::optional<uint64_t> octal(std::string_view field) {
  while (field.starts_with(' ')) field.remove_prefix(1);
  while (field.ends_with(' ')) field.remove_suffix(1);
  uint64_t value = 0;
  for (const char digit : field) {
    if (digit < '0' || digit > '7' || value >> 61) return std::nullopt;
    value = value << 3 | static_cast<uint64_t>(digit - '0');
  }
  return value;
}

// Eleven bytes behind the mark 0x80, the largest first; 0xff would mark a negative number.
std::optional<uint64_t> base_256(std::span<const std::byte> field) {
  if (field[0] != std::byte{0x80}) return std::nullopt;
  uint64_t value = 0;
  for (const std::byte byte : field.subspan(1)) {
    if (value >> 55) return std::nullopt;  // 63 bits are enough for any file
    value = value << 8 | std::to_integer<uint64_t>(byte);
  }
  return value;
}

std::optional<uint64_t> number(Block block, size_t begin, size_t length) {
  const bool is_binary = (block[begin] & std::byte{0x80}) != std::byte{0};
  return is_binary ? base_256(block.subspan(begin, length)) : octal(text_of(block, begin, length));
}

// Some old programs summed signed bytes.
bool has_checksum(Block block, uint64_t wanted) {
  int64_t sum = 0, signed_sum = 0;
  for (size_t i = 0; i < kBlock; ++i) {
    const bool is_own = i >= kChecksumBegin && i < kChecksumEnd;  // counts as spaces
    const auto byte = is_own ? uint8_t{' '} : std::to_integer<uint8_t>(block[i]);
    sum += byte;
    signed_sum += static_cast<int8_t>(byte);
  }
  return wanted == static_cast<uint64_t>(sum) || wanted == static_cast<uint64_t>(signed_sum);
}

}  // namespace

bool is_zero_block(Block block) {
  return std::all_of(block.begin(), block.end(), [](std::byte byte) { return byte == std::byte{0}; });
}

TarHeader parse_header(Block block, uint64_t offset) {
  const auto checksum = octal(text_of(block, kChecksumBegin, kChecksumEnd - kChecksumBegin));
  if (!checksum || !has_checksum(block, *checksum)) throw TarDamage(offset, "no header of a tar archive stands there: its checksum does not fit");
  TarHeader header{std::string(text_of(block, 0, 100)), 0, static_cast<char>(block[156])};
  const std::string_view prefix = text_of(block, 345, 155);
  const std::string_view magic(reinterpret_cast<const char*>(block.data()) + 257, 6);
  if (magic == std::string_view("ustar\0", 6) && !prefix.empty()) header.name = std::string(prefix) + "/" + header.name;
  const auto size = number(block, 124, 12);
  if (!size || *size > INT64_MAX) throw TarDamage(offset, format("member \"{}\": its size is no number from 0 to 2^63 - 1", header.name));
  header.size = *size;
  return header;
}

}  // namespace trainhost::tarshards
