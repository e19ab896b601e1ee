// Sizes of memory in configs: "2GiB".
#pragma once
#include <cstdint>
#include <string_view>

namespace trainhost {

/// A positive number and B, KiB, MiB, GiB or TiB, such as "512MiB" and "1.5GiB"; whole bytes. Throws Error(kConfig) whose text begins with `place`.
uint64_t parse_byte_size(std::string_view text, std::string_view place);

}  // namespace trainhost
