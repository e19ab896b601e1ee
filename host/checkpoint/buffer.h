// Memory for parts and whole objects: aligned for direct I/O.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <utility>

#include "base/host_memory.h"

namespace trainhost {

class Buffer {
 public:
  static constexpr size_t kAlignment = 4096;

  Buffer() = default;
  explicit Buffer(uint64_t size) : size_(size) {
    if (size == 0) return;
    if (size >= kLarge) data_ = map_host_memory(size);
    else if (void* memory = std::aligned_alloc(kAlignment, (size + kAlignment - 1) / kAlignment * kAlignment)) data_.reset(static_cast<std::byte*>(memory), &std::free);
    if (!data_) throw std::bad_alloc();
  }
  Buffer(Buffer&& other) noexcept : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  std::span<std::byte> span() { return {data_.get(), size_}; }
  std::span<const std::byte> span() const { return {data_.get(), size_}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_.get()), size_}; }
  uint64_t size() const { return size_; }
  /// For who needs the memory longer than this buffer lives.
  const std::shared_ptr<std::byte>& memory() const { return data_; }

 private:
  static constexpr uint64_t kLarge = uint64_t{64} << 20;  // below that the allocator's own pages do
  std::shared_ptr<std::byte> data_;
  uint64_t size_ = 0;
};

}  // namespace trainhost
