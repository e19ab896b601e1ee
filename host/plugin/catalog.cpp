// Scanning folders, and finding the one plugin that a word means.
#include "plugin/catalog.h"

#include <algorithm>
#include <cstdlib>

#include "base/files.h"
#include "base/nearest.h"
#include "plugin/kind.h"
#include "plugin/trust.h"

namespace trainhost {
namespace {

namespace fs = std::filesystem;

// Names one file however it is reached; the path as given where the file cannot be resolved.
fs::path real_path(const fs::path& path) {
  std::error_code error;
  fs::path resolved = fs::canonical(path, error);
  return error ? fs::absolute(path) : resolved;
}

std::string list_paths(const std::vector<fs::path>& paths) {
  std::string text;
  for (const fs::path& path : paths) text += (text.empty() ? "" : ", ") + path.string();
  return text.empty() ? "none" : text;
}

size_t kind_rank(const PluginRecord& record) { return static_cast<size_t>(find_kind(record.kind) - plugin_kinds().data()); }

bool ends_with(std::string_view text, std::string_view end) { return text.size() >= end.size() && text.substr(text.size() - end.size()) == end; }

// An empty element, which a script makes by appending to an unset variable, is nothing: the working folder is never searched by accident.
void add_elements(std::string_view list, std::vector<fs::path>& folders) {
  while (!list.empty()) {
    const std::string_view element = list.substr(0, list.find(':'));
    list.remove_prefix(std::min(list.size(), element.size() + 1));
    if (element.empty()) continue;
    if (element.front() != '/')
      throw Error(ExitCode::kConfig, format("TRAINHOST_PLUGIN_PATH: \"{}\" is relative, so it would mean another folder in each working folder; write it from / on",
                                            element));
    folders.emplace_back(element);
  }
}

}  // namespace

std::vector<fs::path> plugin_search_path(std::span<const fs::path> configured) {
  std::vector<fs::path> wanted = {program_folder() / "../plugins", program_folder() / "../lib/trainhost/plugins"};
  if (const char* variable = std::getenv("TRAINHOST_PLUGIN_PATH")) add_elements(variable, wanted);
  for (const fs::path& folder : configured) {
    if (!fs::is_directory(folder)) throw Error(ExitCode::kConfig, format("plugin_path: {} is no folder; create it or correct the path", folder.string()));
    wanted.push_back(folder);
  }
  std::vector<fs::path> folders;
  for (const fs::path& folder : wanted) {
    std::error_code error;
    if (!fs::is_directory(folder, error)) continue;
    fs::path resolved = real_path(folder);
    if (std::find(folders.begin(), folders.end(), resolved) == folders.end()) folders.push_back(std::move(resolved));
  }
  return folders;
}

PluginCatalog PluginCatalog::scan(std::span<const fs::path> folders, const HostAbi& host, WritableFiles writable_files) {
  PluginCatalog catalog;
  catalog.host_ = host;
  catalog.writable_files_ = writable_files;
  for (const fs::path& folder : folders) catalog.add_folder(folder);
  catalog.sort();
  return catalog;
}

void PluginCatalog::add_folder(const fs::path& folder) {
  folders_.push_back(folder);
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    if (entry->path().extension() == ".so") files.push_back(entry->path());
  if (error) broken_.push_back({folder, format("{}: cannot be listed: {}; check its permissions", folder.string(), error.message()), {}});
  std::sort(files.begin(), files.end());
  const std::string complaint = distrust_folder(folder);  // also about links to files elsewhere: who may write here chooses what they lead to
  for (const fs::path& file : files) add_file(real_path(file), complaint);
}

void PluginCatalog::require_trusted(const fs::path& file, const std::string& folder_complaint) const {
  if (writable_files_ == WritableFiles::kAllowed) return;
  if (!folder_complaint.empty()) throw Error(ExitCode::kPlugin, format("{}: not loaded: {}", file.string(), folder_complaint));
  if (const std::string complaint = distrust_file(file); !complaint.empty())
    throw Error(ExitCode::kPlugin, complaint.starts_with(file.string()) ? complaint : format("{}: not loaded: {}", file.string(), complaint));
}

void PluginCatalog::add_file(const fs::path& file, const std::string& folder_complaint) {
  const auto is_it = [&](const auto& known) { return known.file == file; };
  if (std::any_of(records_.begin(), records_.end(), is_it) || std::any_of(broken_.begin(), broken_.end(), is_it)) return;
  BrokenFile broken{file, "", {}};
  try {
    std::vector<PluginRecord> records = read_records(file);
    for (const PluginRecord& record : records) broken.names.push_back(record.full_name());
    require_trusted(file, folder_complaint);
    for (const PluginRecord& record : records) check_compatible(record, host_);
    std::move(records.begin(), records.end(), std::back_inserter(records_));
  } catch (const Error& error) {
    broken.reason = error.what();
    broken_.push_back(std::move(broken));
  }
}

void PluginCatalog::sort() {
  std::stable_sort(records_.begin(), records_.end(),
                   [](const PluginRecord& a, const PluginRecord& b) { return std::pair(kind_rank(a), a.name) < std::pair(kind_rank(b), b.name); });
}

std::vector<const PluginRecord*> PluginCatalog::matches(std::string_view wanted) const {
  std::vector<const PluginRecord*> found;
  const bool has_kind = wanted.find('/') != std::string_view::npos;
  for (const PluginRecord& record : records_)
    if (wanted == (has_kind ? record.full_name() : record.name)) found.push_back(&record);
  return found;
}

PluginRecord PluginCatalog::find(std::string_view wanted) {
  if (is_path_word(wanted)) return find_file(real_path(fs::path(wanted)));
  const auto found = matches(wanted);
  if (found.empty()) throw_unknown(wanted);
  for (const PluginRecord* other : found) {
    const PluginRecord& first = *found.front();
    if (other->kind != first.kind)
      throw Error(ExitCode::kPlugin, format("plugin \"{}\" may be {} or {}; write the one that is meant", wanted, first.full_name(), other->full_name()));
    if (other->file != first.file)
      throw Error(ExitCode::kPlugin, format("plugin {} stands in two files: {} and {}; remove one, or ask for it by its path", first.full_name(),
                                            first.file.string(), other->file.string()));
    if (other != &first) throw Error(ExitCode::kPlugin, format("{}: holds plugin {} twice; correct the plugin file", first.file.string(), first.full_name()));
  }
  return *found.front();
}

PluginRecord PluginCatalog::find_file(const fs::path& file) {
  const std::vector<PluginRecord> records = read_plugin_file(file, host_);  // throws for a broken one
  require_trusted(file);
  if (records.size() > 1) {
    std::string names;
    for (const PluginRecord& record : records) names += (names.empty() ? "" : ", ") + record.full_name();
    throw Error(ExitCode::kPlugin,
                format("{}: holds {} plugins: {}; add its folder to plugin_path and ask for one by name", file.string(), records.size(), names));
  }
  const PluginRecord& asked = records.front();
  std::erase_if(records_, [&](const PluginRecord& record) { return record.full_name() == asked.full_name(); });
  records_.push_back(asked);
  sort();
  return asked;
}

void PluginCatalog::throw_unknown(std::string_view wanted) const {
  for (const BrokenFile& broken : broken_) {
    const std::string stem = broken.file.stem().string();  // "kind-name", all that is left of a file that cannot be read
    std::vector<std::string> names = broken.names;
    if (names.empty() && std::count(stem.begin(), stem.end(), '-') == 1) names.push_back(stem), names.back()[stem.find('-')] = '/';
    for (const std::string& name : names)
      if (wanted == name || wanted == name.substr(name.find('/') + 1)) throw Error(ExitCode::kPlugin, format("plugin \"{}\": {}", wanted, broken.reason));
  }
  std::vector<std::string> names;
  const bool has_kind = wanted.find('/') != std::string_view::npos;
  for (const PluginRecord& record : records_) names.push_back(has_kind ? record.full_name() : record.name);
  if (ends_with(wanted, ".so"))
    throw Error(ExitCode::kPlugin, format("unknown plugin \"{}\"; if a file of the working folder is meant, write ./{}", wanted, wanted));
  const std::string hint = did_you_mean(wanted, names);
  throw Error(ExitCode::kPlugin, format("unknown plugin \"{}\"{}{}; looked in: {}", wanted, hint.empty() ? "; none is installed" : "",
                                        ends_with(hint, "?") ? hint.substr(0, hint.size() - 1) : hint, list_paths(folders_)));
}

}  // namespace trainhost
