// Reading, writing and holding against.
#include "commands/plugins_lock.h"

#include <nlohmann/json.hpp>

#include "base/files.h"

namespace trainhost {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;

std::string quoted(const std::string& text) { return json(text).dump(); }

// Empty: the plugin is as it was locked.
std::string complaint(const PluginsLock& lock, const ChosenPlugin& plugin) {
  const auto locked = lock.find(plugin.record.full_name());
  const std::string place = format("{}: {}", plugin.record.full_name(), plugin.record.file.string());
  if (locked == lock.end()) return format("{} is not in the lock", place);
  if (locked->second.version != plugin.record.version)
    return format("{} has version {}, the lock wants {}", place, quoted(plugin.record.version), quoted(locked->second.version));
  if (locked->second.sha256 != plugin.sha256) return format("{} has sha256 {}, the lock wants {}", place, plugin.sha256, locked->second.sha256);
  return "";
}

}  // namespace

PluginsLock read_plugins_lock(const std::filesystem::path& file) {
  const std::string text = read_file(file, ExitCode::kPlugin);
  try {
    const json all = json::parse(text);
    if (all.at("v") != kVersion)
      throw Error(ExitCode::kPlugin,
                  format("{}: is a lock of version {}, this program reads version {}; update trainhost", file.string(), all["v"].dump(), kVersion));
    PluginsLock lock;
    for (const auto& [name, plugin] : all.at("plugins").items()) lock[name] = {plugin.at("version").get<std::string>(), plugin.at("sha256").get<std::string>()};
    return lock;
  } catch (const json::exception& problem) {
    throw Error(ExitCode::kPlugin,
                format("{}: is no lock of plugins: {}; move it away and write it again with `trainhost plugins lock`", file.string(), problem.what()));
  }
}

std::string plugins_lock_text(const PluginsLock& lock) {
  std::string text = format("{{\n  \"v\": {},\n  \"plugins\": {{", kVersion);
  const char* separator = "\n";
  for (const auto& [name, plugin] : lock) {
    text += format("{}    {}: {{\"version\": {}, \"sha256\": {}}}", separator, quoted(name), quoted(plugin.version), quoted(plugin.sha256));
    separator = ",\n";
  }
  return text + "\n  }\n}\n";
}

PluginsLock with_chosen(PluginsLock lock, std::span<const ChosenPlugin> chosen) {
  for (const ChosenPlugin& plugin : chosen) lock[plugin.record.full_name()] = {plugin.record.version, plugin.sha256};
  return lock;
}

std::optional<std::filesystem::path> plugins_lock_place(const ConfigTree& tree, const std::optional<std::filesystem::path>& config_file) {
  if (const json* key = tree.find({"plugins_lock"}); key && key->is_string()) return key->get<std::string>();
  if (config_file) return config_file->parent_path() / "plugins.lock";
  return std::nullopt;
}

void require_locked(const PluginsLock& lock, const std::filesystem::path& file, std::span<const ChosenPlugin> chosen, const std::string& renewal) {
  std::string complaints;
  for (const ChosenPlugin& plugin : chosen)
    if (const std::string found = complaint(lock, plugin); !found.empty()) complaints += format("{}: {}\n", file.string(), found);
  if (!complaints.empty()) throw Error(ExitCode::kPlugin, format("{}if these files are meant, renew the lock with `{}`", complaints, renewal));
}

}  // namespace trainhost
