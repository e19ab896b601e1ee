// What `trainhost data cache` asks, answered as JSON; the form of the answers: trainhost/draft/kept_data.h.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

namespace trainhost::sample_cache {

std::string list_kept(const std::filesystem::path& root);
/// Throws PluginError PERMISSION_DENIED when the folder cannot be written.
std::string collect_kept(const std::filesystem::path& root, uint64_t limit_bytes);
std::string verify_kept(const std::filesystem::path& root);

}  // namespace trainhost::sample_cache
