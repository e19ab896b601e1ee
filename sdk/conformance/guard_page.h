// A struct that ends where the memory ends: a plugin that reads or writes beyond it faults at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

namespace trainhost::conformance {

// Memory of `size` bytes in front of a page that nobody may touch. `what` lives as long as the process: it is named when the page is touched.
class GuardedMemory {
 public:
  GuardedMemory(std::size_t size, const char* what);
  ~GuardedMemory();
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;

  std::byte* data() const { return data_; }

 private:
  std::byte* pages_;
  std::size_t mapped_bytes_;
  std::byte* data_;
};

template <class T>
class Placed {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  Placed(const T& value, const char* what) : memory_(sizeof(T), what) { new (memory_.data()) T(value); }
  T* get() const { return reinterpret_cast<T*>(memory_.data()); }
  T* operator->() const { return get(); }
  T& operator*() const { return *get(); }

 private:
  GuardedMemory memory_;
};

}  // namespace trainhost::conformance
