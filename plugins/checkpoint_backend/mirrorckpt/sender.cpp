// Parts in parallel, records in one go.
#include "sender.h"

#include <algorithm>
#include <atomic>
#include <climits>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>

#include <isa-l/crc.h>

namespace mirrorckpt {

using trainhost::format;
using trainhost::PluginError;
using trainhost::UpstreamBackend;

namespace {

constexpr std::size_t kAlignment = 4096;

std::uint32_t crc32c(std::span<const std::byte> bytes) {
  std::uint32_t crc = ~0u;
  for (; !bytes.empty(); bytes = bytes.subspan(std::min<std::size_t>(bytes.size(), INT_MAX)))  // its length is an int
    crc = crc32_iscsi(reinterpret_cast<unsigned char*>(const_cast<std::byte*>(bytes.data())), static_cast<int>(std::min<std::size_t>(bytes.size(), INT_MAX)), crc);
  return ~crc;
}

struct Buffer {
  explicit Buffer(std::size_t size) : bytes(static_cast<std::byte*>(std::aligned_alloc(kAlignment, (size / kAlignment + 1) * kAlignment)), &std::free) {
    if (!bytes) throw std::bad_alloc();
  }
  std::unique_ptr<std::byte, decltype(&std::free)> bytes;
};

void read_near(const UpstreamBackend& near, const Item& item, std::uint64_t offset, std::span<std::byte> out) {
  std::size_t got = 0;
  try {
    got = near.get(item.key, offset, out);
  } catch (const PluginError& error) {
    throw NearFailure(format("{}: {}", item.key, error.message));
  }
  if (got != out.size()) throw NearFailure(format("{}: ends at byte {}, wanted {}", item.key, offset + got, item.size));
}

}  // namespace

void Sender::send(const Item& item) const {
  if (item.is_record) return send_record(item);
  try {
    UpstreamBackend::Put put = far.put_begin(item.key, item.size, part_bytes);
    send_parts(item, put);
    put.commit();
  } catch (const PluginError& error) {
    if (error.status != TRAINHOST_ALREADY_EXISTS) throw;
    require_same_size(item);  // an earlier try of ours, whose reply was lost
  }
}

void Sender::send_record(const Item& item) const {
  std::vector<std::byte> bytes(item.size);
  read_near(near, item, 0, bytes);
  try {
    far.create(item.key, bytes);
  } catch (const PluginError& error) {
    if (error.status != TRAINHOST_ALREADY_EXISTS) throw;
    throw Conflict(format("{}: another process wrote it: {}", item.key, error.message));
  }
}

void Sender::send_parts(const Item& item, UpstreamBackend::Put& put) const {
  const std::uint64_t part = put.part_bytes(), num_parts = item.size / part + (item.size % part != 0);
  std::atomic<std::uint64_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto drain = [&] {
    try {
      const Buffer buffer(static_cast<std::size_t>(std::min(part, item.size)));
      for (std::uint64_t index; (index = next++) < num_parts;) {
        if (is_over && is_over()) throw GivenUp();
        const std::uint64_t offset = index * part;
        const std::span<std::byte> bytes(buffer.bytes.get(), static_cast<std::size_t>(std::min(part, item.size - offset)));
        read_near(near, item, offset, bytes);
        put.part(offset, bytes, crc32c(bytes));
      }
    } catch (...) {
      next = num_parts;
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 1; i < std::min<std::uint64_t>(parts_at_once, num_parts); ++i) threads.emplace_back(drain);
    drain();
  }
  if (failure) std::rethrow_exception(failure);
}

void Sender::require_same_size(const Item& item) const {
  for (const UpstreamBackend::Object& object : far.list(item.key))
    if (object.key == item.key && object.size == item.size) return;
  throw Conflict(format("{}: the far place holds another object under this key", item.key));
}

}  // namespace mirrorckpt
