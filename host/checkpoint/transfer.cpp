// Parts, blocks, checksums and the threads that move them.
#include "checkpoint/transfer.h"

#include <algorithm>
#include <cstring>

#include <trainhost/format.hpp>

#include "base/crc32c.h"
#include "checkpoint/parallel.h"

namespace trainhost {
namespace {

uint64_t num_pieces(uint64_t bytes, uint64_t piece) { return bytes / piece + (bytes % piece != 0); }

std::vector<Buffer> worker_buffers(unsigned num_threads, uint64_t count, uint64_t bytes) {
  std::vector<Buffer> buffers;
  for (uint64_t i = 0; i < std::max<uint64_t>(1, std::min<uint64_t>(num_threads, count)); ++i) buffers.emplace_back(bytes);
  return buffers;
}

uint32_t crc_of(std::span<const std::byte> bytes) { return crc32c(bytes.data(), bytes.size()); }

/// Copies the pieces of the source in parallel and hands each over: use(index, offset, bytes).
void for_each_piece(const ObjectSource& source, uint64_t piece, unsigned num_threads, const std::function<void(uint64_t, uint64_t, std::span<const std::byte>)>& use) {
  const uint64_t count = num_pieces(source.bytes(), piece);
  std::vector<Buffer> buffers = worker_buffers(num_threads, count, std::min(piece, source.bytes()));
  run_parallel(count, num_threads, [&](uint64_t index, unsigned worker) {
    const uint64_t offset = index * piece;
    const std::span<std::byte> bytes = buffers[worker].span().first(std::min(piece, source.bytes() - offset));
    source.copy(offset, bytes);
    use(index, offset, bytes);
  });
}

/// Reads a block into `out` and compares it.
void read_block(ObjectStore& objects, const std::string& key, const ObjectRecord& record, uint64_t block_bytes, uint64_t index, std::span<std::byte> out) {
  const uint64_t offset = index * block_bytes, got = objects.get(key, offset, out);
  const bool is_short = got < out.size();
  if (!is_short && crc_of(out) == record.block_crc32c[index]) return;
  const bool has_header = offset == 0 && record.header_bytes <= got;
  const bool is_header_right = has_header && crc_of(out.first(record.header_bytes)) == record.header_crc32c;
  const bool is_in_header = offset + (is_short ? got : 0) < record.header_bytes && !is_header_right;
  if (is_short) throw ObjectDamage(is_in_header, format("{}: ends at byte {}, wanted {}", record.name, offset + got, record.bytes));
  throw ObjectDamage(is_in_header, format("{}: checksum of the {} bytes at offset {} is {:08x}, wanted {:08x}", record.name, out.size(), offset, crc_of(out), record.block_crc32c[index]));
}

}  // namespace

ObjectSource::ObjectSource(const SafetensorsLayout& layout) {
  add(std::as_bytes(std::span(layout.header)));
  header_bytes_ = bytes_;
  for (const TensorView& tensor : layout.tensors) add({tensor.data, tensor.bytes});
}

void ObjectSource::add(std::span<const std::byte> piece) {
  if (piece.empty()) return;
  pieces_.push_back(piece);
  starts_.push_back(bytes_);
  bytes_ += piece.size();
}

void ObjectSource::copy(uint64_t offset, std::span<std::byte> out) const {
  size_t index = static_cast<size_t>(std::upper_bound(starts_.begin(), starts_.end(), offset) - starts_.begin()) - 1;
  while (!out.empty()) {
    const std::span<const std::byte> rest = pieces_[index].subspan(offset - starts_[index]);
    const size_t size = std::min(rest.size(), out.size());
    std::memcpy(out.data(), rest.data(), size);
    out = out.subspan(size);
    offset += size;
    ++index;
  }
}

ObjectRecord write_object(ObjectStore& objects, const std::string& folder, std::string_view name, const ObjectSource& source, const TransferOptions& options) {
  ObjectRecord record{std::string(name), source.bytes(), source.header_bytes(), 0, {}};
  record.block_crc32c.resize(num_pieces(source.bytes(), options.block_bytes));
  if (record.header_bytes > 0) {
    Buffer header(record.header_bytes);
    source.copy(0, header.span());
    record.header_crc32c = crc_of(header.span());
  }
  const std::unique_ptr<ObjectStore::Put> put = objects.begin(folder + record.name, source.bytes(), options.block_bytes);
  const bool is_part_block = put->part_bytes() == options.block_bytes;
  for_each_piece(source, put->part_bytes(), options.num_threads, [&](uint64_t index, uint64_t offset, std::span<const std::byte> bytes) {
    const uint32_t crc = crc_of(bytes);
    if (is_part_block) record.block_crc32c[index] = crc;
    put->part(offset, bytes, crc);
  });
  if (!is_part_block)
    for_each_piece(source, options.block_bytes, options.num_threads,
                   [&](uint64_t index, uint64_t, std::span<const std::byte> bytes) { record.block_crc32c[index] = crc_of(bytes); });
  put->commit();
  return record;
}

void read_object(ObjectStore& objects, const std::string& folder, const ObjectRecord& record, const TransferOptions& options, std::span<std::byte> out) {
  run_parallel(record.block_crc32c.size(), options.num_threads, [&](uint64_t index, unsigned) {
    const uint64_t offset = index * options.block_bytes;
    read_block(objects, folder + record.name, record, options.block_bytes, index, out.subspan(offset, std::min(options.block_bytes, record.bytes - offset)));
  });
}

void verify_object(ObjectStore& objects, const std::string& folder, const ObjectRecord& record, const TransferOptions& options) {
  const uint64_t count = record.block_crc32c.size();
  std::vector<Buffer> buffers = worker_buffers(options.num_threads, count, std::min(options.block_bytes, record.bytes));
  run_parallel(count, options.num_threads, [&](uint64_t index, unsigned worker) {
    const uint64_t size = std::min(options.block_bytes, record.bytes - index * options.block_bytes);
    read_block(objects, folder + record.name, record, options.block_bytes, index, buffers[worker].span().first(size));
  });
}

std::string read_small(ObjectStore& objects, const std::string& key, uint64_t limit) {
  Buffer buffer(limit + 1);
  const uint64_t got = objects.get(key, 0, buffer.span());
  if (got > limit) throw ObjectDamage(false, format("is longer than {} bytes", limit));
  return std::string(buffer.text().substr(0, got));
}

}  // namespace trainhost
