#include "remote/block_file.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include <sys/stat.h>

#include "files/input_file.h"

namespace trainhost::remote {
namespace {

uint64_t num_pages(uint64_t block_bytes) { return (block_bytes + kPage - 1) / kPage; }

uint64_t checksum(std::span<const std::byte> page, uint64_t number) { return XXH3_64bits_withSeed(page.data(), page.size(), number + 1); }

}  // namespace

uint64_t block_file_bytes(uint64_t block_bytes) { return block_bytes + num_pages(block_bytes) * sizeof(uint64_t); }

std::vector<uint64_t> page_checksums(std::span<const std::byte> bytes) {
  std::vector<uint64_t> sums;
  for (uint64_t begin = 0; begin < bytes.size(); begin += kPage) sums.push_back(checksum(bytes.subspan(begin, std::min(kPage, bytes.size() - begin)), begin / kPage));
  return sums;
}

bool read_block_file(int descriptor, uint64_t block_bytes, uint64_t offset, std::span<std::byte> out) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0 || static_cast<uint64_t>(status.st_size) != block_file_bytes(block_bytes)) return false;
  const uint64_t first = offset / kPage, begin = first * kPage, end = std::min(block_bytes, (offset + out.size() + kPage - 1) / kPage * kPage);
  const auto pages = std::make_unique_for_overwrite<std::byte[]>(end - begin);
  const std::span<std::byte> bytes(pages.get(), end - begin);
  std::vector<uint64_t> sums(num_pages(end - begin));
  const std::span<std::byte> table = std::as_writable_bytes(std::span(sums));
  if (read_fully(descriptor, begin, bytes) != static_cast<ssize_t>(bytes.size())) return false;
  if (read_fully(descriptor, block_bytes + first * sizeof(uint64_t), table) != static_cast<ssize_t>(table.size())) return false;
  for (uint64_t page = 0; page < sums.size(); ++page)
    if (checksum(bytes.subspan(page * kPage, std::min(kPage, bytes.size() - page * kPage)), first + page) != sums[page]) return false;
  std::memcpy(out.data(), bytes.data() + (offset - begin), out.size());
  return true;
}

}  // namespace trainhost::remote
