// Text that came out of a plugin: never trusted to be UTF-8 or to stay within its buffer.
#pragma once
#include <string>
#include <string_view>

#include <trainhost/types.h>

namespace trainhost {

bool is_valid_utf8(std::string_view text);

/// Invalid bytes replaced by U+FFFD, control characters by spaces, cut to `max_bytes` with "...".
std::string clean_text(std::string_view text, size_t max_bytes = 4096);

/// The words of an error, clean; "no words" when there are none.
std::string error_words(const trainhost_error& error);

/// Writes into a plugin's error, as much as fits; nullptr is fine.
void write_words(trainhost_error* error, std::string_view words) noexcept;

inline trainhost_string borrow(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace trainhost
