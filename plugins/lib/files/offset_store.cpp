// "THOFFS" and 1; 32 bytes that say of what; the number of offsets; the offsets, all as 64 bits in the order of this machine; XXH3 of 128 bits over all before it.
#include "files/offset_store.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>
#include <cstring>

#include "files/fingerprint.h"
#include "files/split.h"
#include "files/whole_file.h"

namespace trainhost {
namespace {

constexpr std::array<char, 8> kMagic = {'T', 'H', 'O', 'F', 'F', 'S', '\0', '\1'};
constexpr size_t kHeaderBytes = kMagic.size() + 32 + sizeof(uint64_t), kHashBytes = 16;

std::array<uint8_t, 32> identity(const InputFile& file, std::string_view purpose) {
  Fingerprint fingerprint(purpose);
  fingerprint.add(format("changed {}", file.version()));
  fingerprint.add("", file);
  return fingerprint.value();
}

std::array<std::byte, kHashBytes> hash_of(std::span<const std::byte> bytes) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
  std::array<std::byte, kHashBytes> out;
  std::memcpy(out.data(), canonical.digest, out.size());
  return out;
}

}  // namespace

std::filesystem::path OffsetStore::place(const InputFile& file, std::string_view purpose) const {
  return folder_ / format("{}-{:x}", file.path().filename(), stable_hash(format("{}\n{}", whole_name(file.path()), purpose)));
}

std::optional<std::vector<uint64_t>> OffsetStore::load(const InputFile& file, std::string_view purpose) const {
  if (!is_for(file)) return std::nullopt;
  const std::vector<std::byte> bytes = read_whole(place(file, purpose));
  const auto wanted = identity(file, purpose);
  if (bytes.size() < kHeaderBytes + kHashBytes || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) return std::nullopt;
  const std::span<const std::byte> content = std::span(bytes).first(bytes.size() - kHashBytes);
  const auto hash = hash_of(content);
  if (std::memcmp(content.data() + kMagic.size(), wanted.data(), wanted.size()) != 0 || std::memcmp(bytes.data() + content.size(), hash.data(), hash.size()) != 0) return std::nullopt;
  uint64_t count = 0;
  std::memcpy(&count, content.data() + kHeaderBytes - sizeof count, sizeof count);
  if ((content.size() - kHeaderBytes) % sizeof(uint64_t) != 0 || (content.size() - kHeaderBytes) / sizeof(uint64_t) != count) return std::nullopt;
  std::vector<uint64_t> offsets(count);
  if (count > 0) std::memcpy(offsets.data(), content.data() + kHeaderBytes, count * sizeof(uint64_t));
  return offsets;
}

std::string OffsetStore::save(const InputFile& file, std::string_view purpose, std::span<const uint64_t> offsets) const {
  if (!is_for(file)) return {};
  std::vector<std::byte> bytes(kHeaderBytes + offsets.size_bytes() + kHashBytes);
  const auto wanted = identity(file, purpose);
  const uint64_t count = offsets.size();
  std::memcpy(bytes.data(), kMagic.data(), kMagic.size());
  std::memcpy(bytes.data() + kMagic.size(), wanted.data(), wanted.size());
  std::memcpy(bytes.data() + kHeaderBytes - sizeof count, &count, sizeof count);
  if (count > 0) std::memcpy(bytes.data() + kHeaderBytes, offsets.data(), offsets.size_bytes());
  const auto hash = hash_of(std::span(bytes).first(bytes.size() - kHashBytes));
  std::memcpy(bytes.data() + bytes.size() - kHashBytes, hash.data(), hash.size());
  return write_whole(place(file, purpose), bytes);
}

}  // namespace trainhost
