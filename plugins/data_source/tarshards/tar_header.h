// One header block of a tar archive.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

namespace trainhost::tarshards {

inline constexpr uint64_t kBlock = 512;

/// What is wrong with an archive, and where.
struct TarDamage : std::runtime_error {
  TarDamage(uint64_t damaged_offset, const std::string& words) : std::runtime_error(words), offset(damaged_offset) {}
  uint64_t offset;
};

/// Fields of V7, ustar and GNU headers that matter here.
struct TarHeader {
  std::string name;
  uint64_t size = 0;
  char type = '0';
};

bool is_zero_block(std::span<const std::byte, kBlock> block);

/// `offset`: of the block, for messages. Verifies the checksum; sizes in octal and in base 256. Throws TarDamage.
TarHeader parse_header(std::span<const std::byte, kBlock> block, uint64_t offset);

}  // namespace trainhost::tarshards
