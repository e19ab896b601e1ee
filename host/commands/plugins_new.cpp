// Everything is checked before a byte is written; the folder appears by one rename.
#include "commands/plugins_new.h"

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/nearest.h"
#include "commands/plugin_template.h"
#include "commands/temporary_folder.h"
#include "config/host_keys.h"
#include "plugin/kind.h"

namespace trainhost {
namespace {

namespace fs = std::filesystem;

template <class... Values>
[[noreturn]] void refuse(std::string_view pattern, const Values&... values) {
  throw Error(ExitCode::kConfig, "command line: plugins new: " + format(pattern, values...));
}

void check_kind(const std::string& kind) {
  std::vector<std::string> kinds;
  for (const PluginKind& known : plugin_kinds()) kinds.emplace_back(known.name);
  if (!find_kind(kind)) refuse("unknown kind \"{}\"{}", kind, did_you_mean(kind, kinds));
}

void check_language(const std::string& language, const std::string& kind) {
  static const std::vector<std::string> kLanguages{"cpp", "c"};
  if (std::find(kLanguages.begin(), kLanguages.end(), language) == kLanguages.end())
    refuse("unknown language \"{}\"{}", language, did_you_mean(language, kLanguages));
  const auto languages = template_languages(kind);
  if (std::find(languages.begin(), languages.end(), language) == languages.end())
    refuse("a {} works on tensors of LibTorch, which is C++, got --language {}; leave it out", kind, language);
}

void check_name(const std::string& name, const std::string& kind) {
  const bool is_plain = name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
  if (name.empty() || name.size() > 64 || !is_plain || name[0] < 'a')
    refuse("the name is \"{}\", wanted [a-z0-9_] that begins with a letter, at most 64 characters", name);
  const nlohmann::json& keys = host_schema()["properties"];
  const bool is_host_key = keys.contains(name) || (keys.contains(kind) && keys[kind].value("properties", nlohmann::json::object()).contains(name));
  if (is_host_key || find_kind(name)) refuse("\"{}\" has a meaning of its own in configs; choose another name", name);
  if (template_uses(kind, camel_case(name))) refuse("\"{}\" would give the class a name that its template uses already; choose another name", name);
}

// A bare name in `plugins` must mean one plugin.
void check_is_free(const std::string& name, const PluginCatalog& catalog) {
  for (const PluginRecord& record : catalog.records())
    if (record.name == name) refuse("{} is installed already, in {}; choose another name", record.full_name(), record.file.string());
}

void write_folder(const fs::path& folder, const std::vector<NewFile>& files) {
  const TemporaryFolder unfinished(fs::absolute(folder).parent_path(), "." + folder.filename().string());
  for (const NewFile& file : files) write_file_atomically(unfinished.path() / file.name, file.text);
  std::error_code error;
  fs::rename(unfinished.path(), folder, error);
  if (error) refuse("{}: cannot be made: {}", folder.string(), error.message());
}

// Where this program was installed, with its SDK; empty for one that runs out of a build folder.
fs::path installed_prefix() {
  const fs::path prefix = (program_folder() / "..").lexically_normal();
  return fs::exists(prefix / "lib/cmake/TrainhostSDK") ? prefix : fs::path();
}

std::vector<std::string> next_commands(const fs::path& folder, const std::string& kind, const std::string& name) {
  const fs::path prefix = installed_prefix();
  return {"cd " + folder.string(),
          "cmake -S . -B build -DCMAKE_PREFIX_PATH=" + (prefix.empty() ? "PREFIX" : fs::path(prefix / "").parent_path().string()),
          "cmake --build build",
          "ctest --test-dir build --output-on-failure",
          format("trainhost plugins check build/plugins/{}-{}.so --config example.toml", kind, name),
          "TRAINHOST_PLUGIN_PATH=$PWD/build/plugins trainhost run example.toml"};
}

void print(const fs::path& folder, const std::vector<NewFile>& files, const std::string& kind, const std::string& name) {
  std::string names;
  for (const NewFile& file : files) names += (names.empty() ? "" : ", ") + file.name;
  std::cout << format("{}: {}\n\nNext:\n", (folder / "").string(), names);
  for (const std::string& command : next_commands(folder, kind, name)) std::cout << "  " << command << "\n";
  if (installed_prefix().empty()) std::cout << "PREFIX: where trainhost is installed; this program is not, so `make install PREFIX=DIR` first\n";
}

}  // namespace

ExitCode plugins_new(const Request& request, const PluginCatalog& catalog) {
  if (request.words.size() != 3) refuse("wanted KIND and NAME, got {} words", request.words.size() - 1);
  const std::string &kind = request.words[1], &name = request.words[2];
  check_kind(kind);
  check_language(request.language, kind);
  check_name(name, kind);
  const fs::path folder = request.out == "." ? fs::path(name) : fs::path(request.out) / name;
  if (fs::exists(fs::symlink_status(folder))) refuse("{} exists already; choose another name or --out", folder.string());
  check_is_free(name, catalog);
  const std::vector<NewFile> files = render_template(kind, name, request.language);
  write_folder(folder, files);
  if (request.is_json) {
    nlohmann::json answer{{"folder", fs::absolute(folder).string()}, {"files", nlohmann::json::array()}, {"next", next_commands(folder, kind, name)}};
    for (const NewFile& file : files) answer["files"].push_back(file.name);
    std::cout << answer.dump(2) << "\n";
  } else {
    print(folder, files, kind, name);
  }
  return ExitCode::kDone;
}

}  // namespace trainhost
