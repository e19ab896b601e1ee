// SHA-256 as lower-case hex: by it a lock vouches for a plugin file. Identities that nobody would forge have base/hash.h.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"

namespace trainhost {

/// 64 hex digits.
std::string sha256(std::string_view bytes);

/// The same of a whole file. Throws Error(code) naming the path and the reason.
std::string sha256_of_file(const std::filesystem::path& file, ExitCode code);

}  // namespace trainhost
