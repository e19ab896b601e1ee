// Memory for parts and whole objects: aligned for direct I/O, not zeroed.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <string_view>

namespace trainhost {

class Buffer {
 public:
  static constexpr size_t kAlignment = 4096;

  Buffer() = default;
  explicit Buffer(uint64_t size) : size_(size) {
    if (size == 0) return;
    data_.reset(static_cast<std::byte*>(std::aligned_alloc(kAlignment, (size + kAlignment - 1) / kAlignment * kAlignment)));
    if (!data_) throw std::bad_alloc();
  }

  std::span<std::byte> span() { return {data_.get(), size_}; }
  std::span<const std::byte> span() const { return {data_.get(), size_}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_.get()), size_}; }

 private:
  struct Free {
    void operator()(std::byte* data) const { std::free(data); }
  };
  std::unique_ptr<std::byte[], Free> data_;
  uint64_t size_ = 0;
};

}  // namespace trainhost
