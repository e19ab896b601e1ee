// A struct lent to a plugin, zeroed, with its size set, and a fence behind it: a plugin that writes too far is caught instead of believed.
#pragma once
#include <cstdint>

namespace trainhost {

template <class T>
struct Guarded {
  T value{};
  uint64_t fence[4] = {kFence, kFence, kFence, kFence};

  Guarded() { value.struct_size = sizeof(T); }
  explicit Guarded(const T& initial) : value(initial) { value.struct_size = sizeof(T); }

  // A plugin of an older minor may assign the whole struct, as large as it knows it and with that size in it.
  bool is_intact() const {
    const volatile uint64_t* read = fence;  // the compiler must not remember what it wrote
    return value.struct_size <= sizeof(T) && read[0] == kFence && read[1] == kFence && read[2] == kFence && read[3] == kFence;
  }

 private:
  static constexpr uint64_t kFence = 0x7472'6169'6e68'6f73;
};

}  // namespace trainhost
