// What a plugin file says about itself, read from its ELF section .trainhost.plugin: no code of the file runs.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/error.h"
#include "plugin/file_identity.h"

namespace trainhost {

/// One plugin of a plugin file, its structure checked.
struct PluginRecord {
  std::string kind, name, version, summary;
  uint32_t abi = 0;             // major
  uint32_t min_host_minor = 0;  // the oldest host minor that it runs on
  std::optional<std::string> torch_build;
  std::vector<std::string> needs;    // ids of host services
  std::vector<std::string> schemes;  // URI schemes of a checkpoint backend
  uint32_t decorates = 0;            // upstreams that it wraps
  bool is_stateful = false;
  std::shared_ptr<const nlohmann::json> schema;  // JSON Schema of its config, an object; never null; shared by copies of the record
  std::filesystem::path file;
  FileIdentity identity;  // of the file, when the record was read
  std::string metadata;   // the record's very bytes

  /// "T2" when it is tied to a LibTorch build, else "T0".
  std::string tier() const { return torch_build ? "T2" : "T0"; }
  /// "kind/name", unique in a catalog.
  std::string full_name() const { return kind + "/" + name; }
};

/// What plugins are checked against.
struct HostAbi {
  uint32_t major = 0, minor = 0;
  std::string torch_build;  // "none": built without LibTorch
};
HostAbi host_abi();

/// Every record of the file, in order. Throws Error(kPlugin): no such file, not ELF, truncated, 32-bit, other machine, no plugin, malformed record.
std::vector<PluginRecord> read_records(const std::filesystem::path& file);

/// Throws Error(kPlugin): other ABI major, too new minor, unknown kind, other LibTorch build.
void check_compatible(const PluginRecord& record, const HostAbi& host);

/// Both. Every message begins with the file's path and ends with the remedy.
std::vector<PluginRecord> read_plugin_file(const std::filesystem::path& file, const HostAbi& host = host_abi());

/// SHA-256 of the record's file, 64 hex digits. Throws Error(kPlugin) when the file cannot be read, or is no longer the one that the record was read from.
std::string file_sha256(const PluginRecord& record);

}  // namespace trainhost
