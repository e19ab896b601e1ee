// Backends with several places, in C++; what the call means: trainhost/checkpoint_copies.h. Include it beside plugin.hpp.
#pragma once

#include "trainhost/checkpoint_copies.h"
#include "trainhost/cpp/checkpoint_backend.hpp"

namespace trainhost::inline sdk {

// A base beside CheckpointBackend. The class answers TRAINHOST_CHECKPOINT_COPIES in its interface() with copies_table<number of places>().
class CheckpointCopies {
 public:
  virtual ~CheckpointCopies() = default;
  virtual std::size_t get_copy(std::uint32_t place, std::string_view key, std::uint64_t offset, std::span<std::byte> out) = 0;  // [io]

  template <std::uint32_t places>
  static const void* copies_table() {
    static constexpr trainhost_checkpoint_copies kTable{sizeof(trainhost_checkpoint_copies), places, &c_get_copy};
    return &kTable;
  }

 private:
  static trainhost_status c_get_copy(trainhost_instance* instance, std::uint32_t place, trainhost_string key, std::uint64_t offset, void* out,
                                     std::uint64_t size, std::uint64_t* got, trainhost_error* error) noexcept {
    return detail::guard(error, [&] { *got = detail::beside<CheckpointCopies>(instance).get_copy(place, view(key), offset, {static_cast<std::byte*>(out), size}); });
  }
};

}  // namespace trainhost::inline sdk
