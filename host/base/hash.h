// Content hashes (XXH3, 128 bits) as lower-case hex: identity of configs and data, not a security boundary; plugin files have base/sha256.h.
#pragma once
#include <string>
#include <string_view>

namespace trainhost {

/// 32 hex digits.
std::string content_hash(std::string_view bytes);

}  // namespace trainhost
