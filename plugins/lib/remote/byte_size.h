// "10GB" as a number.
#pragma once
#include <cstdint>
#include <string_view>

namespace trainhost::remote {

/// A whole number with B, KB, MB, GB or TB behind it, powers of 1000, or KiB to TiB, powers of 1024; 0 needs no unit. `key` begins the message.
/// Throws PluginError INVALID_ARGUMENT for anything else.
uint64_t parse_byte_size(std::string_view text, std::string_view key);

}  // namespace trainhost::remote
