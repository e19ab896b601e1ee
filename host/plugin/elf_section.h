// Reads one section of an ELF file with a handful of preads; trusts no number in it.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace trainhost {

/// The section's bytes; nullopt when a sound shared library of this machine has no such section.
/// Throws Error(kPlugin) naming the file, what is wrong with it, and the remedy.
std::optional<std::string> read_elf_section(const std::filesystem::path& file, std::string_view section);

}  // namespace trainhost
