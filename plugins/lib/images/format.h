// What kind of file some bytes are.
#pragma once
#include <cstdint>
#include <span>

namespace trainhost::images {

enum class FileFormat { kJpeg, kPng };

/// By the first bytes. Throws PluginError(DATA_LOSS) for anything else, with what it seems to be.
FileFormat recognised(std::span<const uint8_t> file);

}  // namespace trainhost::images
