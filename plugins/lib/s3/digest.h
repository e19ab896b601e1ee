// SHA-256 for signatures, and a CRC32C of what is stored as text.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace trainhost::s3 {

using Digest = std::array<unsigned char, 32>;

Digest sha256(std::span<const std::byte> bytes);
inline Digest sha256(std::string_view text) { return sha256(std::as_bytes(std::span(text))); }
Digest hmac_sha256(std::span<const unsigned char> key, std::string_view text);

/// A CRC32C as x-amz-checksum-crc32c has it: base64 of the four bytes, highest first.
std::string crc32c_text(uint32_t crc);

}  // namespace trainhost::s3
