#include "files/fingerprint.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>

#include <trainhost/format.hpp>

#include "files/input_file.h"

namespace trainhost {
namespace {

std::array<uint8_t, 32> hash_of_lines(std::string_view lines) {
  std::array<uint8_t, 32> out;
  for (const uint64_t seed : {0u, 1u}) {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_withSeed(lines.data(), lines.size(), seed));
    std::memcpy(out.data() + seed * 16, canonical.digest, 16);
  }
  return out;
}

}  // namespace

void Fingerprint::add(std::string_view name, const InputFile& file) {
  add(format("{} {} {:x} {:x}", name, file.size(), file.content_hash()[0], file.content_hash()[1]));
  add_to_stamp(format("{} version {}", name, file.version()));
}

std::array<uint8_t, 32> Fingerprint::value() const { return hash_of_lines(text_); }

std::array<uint8_t, 32> Fingerprint::stamp() const { return hash_of_lines(format("{}stamp\n{}", text_, stamp_text_)); }

}  // namespace trainhost
