// Small files that appear whole or not at all.
#pragma once
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace trainhost {

/// All bytes; none where the file cannot be read.
std::vector<std::byte> read_whole(const std::filesystem::path& path);

/// Written under a name of its own, synced, then renamed, whoever else writes it at the same time; missing folders are made. Returns the words of the failure,
/// empty when it is written.
std::string write_whole(const std::filesystem::path& path, std::span<const std::byte> bytes);

}  // namespace trainhost
