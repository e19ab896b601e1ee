// Errors between C++ and the C tables: exceptions on this side, a status and words on the other.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "trainhost/format.hpp"
#include "trainhost/types.h"

namespace trainhost::inline sdk {

// Thrown by plugins to say how a call failed. Any other exception becomes TRAINHOST_INTERNAL with its what().
struct PluginError : std::exception {
  PluginError(trainhost_status failed_status, std::string words) : status(failed_status), message(std::move(words)) {}
  const char* what() const noexcept override { return message.c_str(); }

  trainhost_status status;
  std::string message;  // place, what, got, wanted, next step
};

inline std::string_view view(trainhost_string text) { return {text.data, text.data ? static_cast<std::size_t>(text.length) : 0}; }
inline trainhost_string c_string(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace trainhost::inline sdk

namespace trainhost::detail {

// Copies as much of the text as fits and returns its length; never cuts a UTF-8 character in two.
inline std::uint32_t copy_text(std::string_view text, char* out, std::size_t capacity) noexcept {
  std::size_t length = std::min(text.size(), capacity);
  while (length > 0 && length < text.size() && (text[length] & 0xC0) == 0x80) --length;
  std::copy_n(text.data(), length, out);
  return static_cast<std::uint32_t>(length);
}

inline trainhost_status fail(trainhost_error* error, trainhost_status status, std::string_view message) noexcept {
  constexpr std::size_t kHead = offsetof(trainhost_error, message);
  if (error && error->struct_size >= kHead)
    error->message_length = copy_text(message, error->message, std::min<std::size_t>(sizeof(error->message), error->struct_size - kHead));
  return status;
}

// Turns the exception in flight into a status and its words. Call it from a catch block only.
inline trainhost_status fail_with_current_exception(trainhost_error* error) noexcept {
  try {
    throw;
  } catch (const PluginError& thrown) {
    return fail(error, thrown.status == TRAINHOST_OK ? TRAINHOST_INTERNAL : thrown.status, thrown.message);
  } catch (const std::bad_alloc&) {
    return fail(error, TRAINHOST_RESOURCE_EXHAUSTED, "out of host memory");
  } catch (const std::exception& thrown) {
    return fail(error, TRAINHOST_INTERNAL, thrown.what());
  } catch (...) {
    return fail(error, TRAINHOST_INTERNAL, "an exception that is no std::exception");
  }
}

// Runs the body of a C function: nothing that it throws gets out.
template <class Body>
trainhost_status guard(trainhost_error* error, Body&& body) noexcept {
  try {
    body();
    return TRAINHOST_OK;
  } catch (...) {
    return fail_with_current_exception(error);
  }
}

// Reads a struct that grows: members beyond the caller's struct_size keep the value that `defaults` has.
template <class Struct>
Struct read_struct(const Struct* in, Struct defaults = {}) noexcept {
  std::memcpy(static_cast<void*>(&defaults), in, std::min<std::size_t>(in->struct_size, sizeof(Struct)));
  defaults.struct_size = sizeof(Struct);
  return defaults;
}

// Writes a struct that grows: no byte beyond the caller's struct_size is touched.
template <class Struct>
void write_struct(Struct* out, const Struct& value) noexcept {
  const std::uint32_t size = out->struct_size;
  std::memcpy(static_cast<void*>(out), &value, std::min<std::size_t>(size, sizeof(Struct)));
  out->struct_size = size;
}

}  // namespace trainhost::detail

namespace trainhost::inline sdk {

// Calls a function of the C ABI whose last parameter is the error, and throws PluginError when it fails: call(table->read, instance, &read, &writer).
template <class... Parameters, class... Arguments>
void call(trainhost_status (*function)(Parameters...), Arguments&&... arguments) {
  trainhost_error error;
  error.struct_size = sizeof error;
  error.message_length = 0;
  const trainhost_status status = function(std::forward<Arguments>(arguments)..., &error);
  if (status == TRAINHOST_OK) return;
  throw PluginError(status, std::string(error.message, std::min<std::size_t>(error.message_length, sizeof error.message)));
}

}  // namespace trainhost::inline sdk
