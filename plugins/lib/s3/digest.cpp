// OpenSSL's SHA-256 alone, linked in. HMAC is written out here: OpenSSL's brings all of libcrypto into each plugin file.
#include "s3/digest.h"

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <algorithm>
#include <cstring>

namespace trainhost::s3 {
namespace {

constexpr size_t kHashedBlock = 64;  // of SHA-256, in bytes

Digest hash_of_two(std::span<const unsigned char> first, std::span<const unsigned char> second) {
  Digest digest{};
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, first.data(), first.size());
  SHA256_Update(&context, second.data(), second.size());
  SHA256_Final(digest.data(), &context);
  return digest;
}

}  // namespace

Digest sha256(std::span<const std::byte> bytes) { return hash_of_two({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()}, {}); }

// RFC 2104.
Digest hmac_sha256(std::span<const unsigned char> key, std::string_view text) {
  std::array<unsigned char, kHashedBlock> inner{}, outer{};
  const Digest short_key = key.size() > kHashedBlock ? hash_of_two(key, {}) : Digest{};
  const std::span<const unsigned char> used = key.size() > kHashedBlock ? std::span<const unsigned char>(short_key) : key;
  std::copy(used.begin(), used.end(), inner.begin());
  for (size_t i = 0; i < kHashedBlock; ++i) outer[i] = inner[i] ^ 0x5c, inner[i] ^= 0x36;
  return hash_of_two(outer, hash_of_two(inner, {reinterpret_cast<const unsigned char*>(text.data()), text.size()}));
}

// Four bytes are always six letters and two signs that fill up.
std::string crc32c_text(uint32_t crc) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (int shift = 26; shift >= 2; shift -= 6) text += kLetters[(crc >> shift) & 63];
  text += kLetters[(crc << 4) & 63];
  return text + "==";
}

}  // namespace trainhost::s3
