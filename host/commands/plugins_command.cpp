// Prints records; runs no code of any plugin.
#include "commands/plugins_command.h"

#include <algorithm>
#include <iostream>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/nearest.h"
#include "base/table.h"
#include "commands/check_command.h"
#include "commands/job.h"
#include "commands/plugins_explain.h"
#include "commands/plugins_lock.h"
#include "commands/plugins_new.h"

namespace trainhost {
namespace {

using nlohmann::json;
using Rows = std::vector<std::vector<std::string>>;

json as_json_object(const PluginRecord& record) {
  return {{"kind", record.kind},
          {"name", record.name},
          {"version", record.version},
          {"tier", record.tier()},
          {"summary", record.summary},
          {"file", record.file.string()},
          {"sha256", file_sha256(record)},
          {"abi", record.abi},
          {"min_host_minor", record.min_host_minor},
          {"torch_build", record.torch_build ? json(*record.torch_build) : json(nullptr)},
          {"needs", record.needs},
          {"schemes", record.schemes},
          {"decorates", record.decorates},
          {"stateful", record.is_stateful},
          {"schema", *record.schema}};
}

std::string comma_list(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// A text of a plugin on one line of a terminal: no control characters.
std::string plain(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return text;
}

// "integer from 1", "one of bf16, fp16", "list of string".
std::string type_text(const json& property) {
  if (const auto choices = property.find("enum"); choices != property.end()) {
    std::vector<std::string> words;
    for (const json& choice : *choices) words.push_back(choice.is_string() && !choice.get<std::string>().empty() ? choice.get<std::string>() : choice.dump());
    return "one of " + comma_list(words);
  }
  std::string text = property.contains("type") && property["type"].is_string() ? property["type"].get<std::string>() : "any";
  if (text == "array") return "list of " + (property.contains("items") && property["items"].is_object() ? type_text(property["items"]) : "any");
  for (const auto& [key, words] : {std::pair{"minimum", " from "}, {"exclusiveMinimum", " above "}, {"maximum", " to "}, {"exclusiveMaximum", " below "}})
    if (property.contains(key)) text += words + property[key].dump();
  return text;
}

bool is_required(const json& schema, const std::string& key) {
  const auto required = schema.find("required");
  return required != schema.end() && required->is_array() && std::find(required->begin(), required->end(), json(key)) != required->end();
}

void print_keys(const json& schema, std::ostream& out) {
  const auto properties = schema.find("properties");
  if (properties == schema.end() || !properties->is_object() || properties->empty()) {
    out << "\nNo config keys.\n";
    return;
  }
  Rows rows = {{"KEY", "TYPE", "DEFAULT", "MEANING"}};
  for (const auto& [key, property] : properties->items()) {
    if (!property.is_object()) continue;
    const std::string fallback = property.contains("default") ? property["default"].dump() : is_required(schema, key) ? "(required)" : "(none)";
    const std::string type = type_text(property) + (property.value("x-secret", json(false)) == true ? ", secret" : "");
    rows.push_back({key, type, fallback, property.value("description", "")});
  }
  for (std::vector<std::string>& row : rows)
    for (std::string& cell : row) cell = plain(cell);
  out << "\nConfig keys\n" << align_columns(rows, "llll");
  if (const auto groups = schema.find("x-alternatives"); groups != schema.end() && groups->is_array())
    for (const json& group : *groups)
      if (group.is_array()) out << "  At most one of: " << plain(comma_list(group.get<std::vector<std::string>>())) << "\n";
}

// Plugins that nobody can ask for by name, because they stand in several files; records are sorted, so that twins stand together.
Rows twins(const PluginCatalog& catalog) {
  Rows rows;
  const auto& records = catalog.records();
  for (size_t i = 1; i < records.size(); ++i)
    if (records[i].full_name() == records[i - 1].full_name()) rows.push_back({records[i].full_name(), records[i - 1].file.string(), records[i].file.string()});
  return rows;
}

std::filesystem::path lock_file(const Request& request, const Job& job) {
  if (request.out_file) return *request.out_file;
  if (const auto place = plugins_lock_place(job.tree, job.config_file)) return *place;
  throw Error(ExitCode::kConfig, "command line: plugins lock: the default job lies in no folder; say where the lock goes with --out FILE");
}

// Other configs of the folder may have entries in the lock, so an older one is added to, not replaced.
ExitCode write_lock(const Request& request, std::ostream& out) {
  const Job job = load_job(request, LockUse::kIgnored);
  const std::filesystem::path file = lock_file(request, job);
  PluginsLock lock = std::filesystem::exists(file) ? read_plugins_lock(file) : PluginsLock();
  lock = with_chosen(std::move(lock), job.plugins);
  write_file_atomically(file, plugins_lock_text(lock));
  if (request.is_json)
    out << json{{"file", file.string()}, {"chosen", job.plugins.size()}, {"locked", lock.size()}}.dump() << "\n";
  else
    out << format("{}: {} plugins are locked, {} of them are chosen here\n", file.string(), lock.size(), job.plugins.size());
  return ExitCode::kDone;
}

}  // namespace

void print_plugin_list(const PluginCatalog& catalog, bool as_json, std::ostream& out) {
  if (as_json) {
    json all = {{"folders", json::array()}, {"plugins", json::array()}, {"broken", json::array()}};
    for (const auto& folder : catalog.folders()) all["folders"].push_back(folder.string());
    for (const PluginRecord& record : catalog.records()) all["plugins"].push_back(as_json_object(record));
    for (const BrokenFile& file : catalog.broken()) all["broken"].push_back({{"file", file.file.string()}, {"reason", file.reason}, {"names", file.names}});
    out << all.dump(2, ' ', false, json::error_handler_t::replace) << "\n";
    return;
  }
  Rows rows = {{"NAME", "KIND", "VERSION", "TIER", "FILE", "SUMMARY"}};
  for (const PluginRecord& record : catalog.records())
    rows.push_back({record.name, record.kind, plain(record.version), record.tier(), record.file.filename().string(), plain(record.summary)});
  if (rows.size() > 1)
    out << align_columns(rows, "llllll", 0);
  else
    out << "No plugins.\n";
  out << "\nLooked in:\n";
  for (const auto& folder : catalog.folders()) out << "  " << folder.string() << "\n";
  if (catalog.folders().empty()) out << "  no folder exists; set TRAINHOST_PLUGIN_PATH or the key plugin_path\n";
  if (const Rows twice = twins(catalog); !twice.empty()) out << "\nIn two files (remove one, or ask for it by its path):\n" << align_columns(twice, "lll");
  if (!catalog.broken().empty()) out << "\nBroken:\n";
  for (const BrokenFile& file : catalog.broken()) out << "  " << plain(file.reason) << "\n";
}

void print_plugin_info(PluginCatalog& catalog, std::string_view wanted, bool as_json, std::ostream& out) {
  const PluginRecord record = catalog.find(wanted);
  if (as_json) {
    out << as_json_object(record).dump(2, ' ', false, json::error_handler_t::replace) << "\n";
    return;
  }
  out << record.full_name() << " " << plain(record.version) << "\n" << plain(record.summary) << "\n\n";
  Rows rows = {{"tier", record.tier() == "T2" ? "T2, tied to LibTorch " + plain(*record.torch_build) : "T0, plain C ABI"},
               {"ABI", format("{}.{} or newer", record.abi, record.min_host_minor)},
               {"stateful", record.is_stateful ? "yes: a resume needs its saved state" : "no"}};
  if (record.decorates > 0) rows.push_back({"decorates", format("{} of its kind", record.decorates)});
  if (!record.schemes.empty()) rows.push_back({"URI schemes", plain(comma_list(record.schemes))});
  if (!record.needs.empty()) rows.push_back({"needs", plain(comma_list(record.needs))});
  rows.push_back({"file", record.file.string()});
  rows.push_back({"sha256", file_sha256(record)});
  out << align_columns(rows, "ll");
  print_keys(*record.schema, out);
}

const std::vector<std::string>& plugins_verbs() {
  static const std::vector<std::string> verbs{"list", "info", "explain", "check", "lock", "new"};
  return verbs;
}

ExitCode plugins_command(const Request& request) {
  const std::vector<std::string>& verbs = plugins_verbs();
  const std::string verb = request.words.empty() ? "" : request.words.front();
  if (std::find(verbs.begin(), verbs.end(), verb) == verbs.end())
    throw Error(ExitCode::kConfig, format("command line: plugins takes one of {}, got \"{}\"{}", comma_list(verbs), verb, did_you_mean(verb, verbs)));
  if (verb == "check") return check_command(request, std::cout);
  Request layers = request;
  layers.words.erase(layers.words.begin());
  if (verb == "lock") {
    if (layers.words.size() > 1) throw Error(ExitCode::kConfig, format("command line: plugins lock takes one CONFIG, got {} and {}", layers.words[0], layers.words[1]));
    return write_lock(layers, std::cout);
  }
  layers.words.clear();
  PluginCatalog catalog = load_catalog(load_tree(layers));
  if (verb == "list") {
    print_plugin_list(catalog, request.is_json, std::cout);
    return ExitCode::kDone;
  }
  if (verb == "new") return plugins_new(request, catalog);
  if (verb == "explain") return plugins_explain(request, catalog, std::cout);
  if (request.words.size() != 2) throw Error(ExitCode::kConfig, format("command line: plugins info takes one NAME or FILE, got {}", request.words.size() - 1));
  print_plugin_info(catalog, request.words.back(), request.is_json, std::cout);
  return ExitCode::kDone;
}

}  // namespace trainhost
