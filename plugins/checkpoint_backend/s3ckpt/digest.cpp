// OpenSSL and ISA-L do the work.
#include "digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

#include <isa-l/crc.h>

namespace s3ckpt {

Digest sha256(std::span<const std::byte> bytes) {
  Digest digest{};
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return digest;
}

Digest hmac_sha256(std::span<const unsigned char> key, std::string_view text) {
  Digest digest{};
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), nullptr);
  return digest;
}

uint32_t crc32c(std::span<const std::byte> bytes) {
  constexpr size_t kMost = size_t{1} << 30;  // ISA-L counts with an int
  uint32_t crc = 0xffffffffu;
  for (; !bytes.empty(); bytes = bytes.subspan(std::min(kMost, bytes.size())))
    crc = crc32_iscsi(reinterpret_cast<unsigned char*>(const_cast<std::byte*>(bytes.data())), static_cast<int>(std::min(kMost, bytes.size())), crc);
  return ~crc;
}

std::string crc32c_text(uint32_t crc) {
  const unsigned char bytes[4] = {static_cast<unsigned char>(crc >> 24), static_cast<unsigned char>(crc >> 16), static_cast<unsigned char>(crc >> 8),
                                  static_cast<unsigned char>(crc)};
  unsigned char text[16];
  const int length = EVP_EncodeBlock(text, bytes, sizeof bytes);
  return std::string(reinterpret_cast<const char*>(text), static_cast<size_t>(length));
}

}  // namespace s3ckpt
