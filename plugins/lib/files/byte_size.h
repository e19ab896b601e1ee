// "10GB" as a number, and the other way.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace trainhost {

/// A whole number with B, KB, MB, GB or TB behind it, powers of 1000, or KiB to TiB, powers of 1024; 0 needs no unit. `key` begins the message.
/// Throws PluginError INVALID_ARGUMENT for anything else.
uint64_t parse_byte_size(std::string_view text, std::string_view key);

/// "1.5 GB", for people.
std::string byte_size_text(uint64_t bytes);

}  // namespace trainhost
