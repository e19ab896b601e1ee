// Turns what LibTorch and T2 plugins throw into the host's errors.
#pragma once
#include <exception>
#include <new>
#include <string>
#include <string_view>

namespace trainhost {

/// Of a message of LibTorch or CUDA, whose other lines are a stack.
std::string first_line(const std::string& text);

class Device;

/// Throws the exception in flight again as Error: OutOfMemory (after giving cached memory back) when memory ran out, kConfig for settings that a plugin
/// refuses, kPlugin for all else. `place` opens the message: "model, forward".
[[noreturn]] void rethrow_translated(Device& device, std::string_view place);

template <class Function>
auto translated(Device& device, std::string_view place, Function&& function) {
  try {
    return function();
  } catch (...) {
    rethrow_translated(device, place);
  }
}

}  // namespace trainhost
