// Finds the plugin by the file's suffix, asks it, and shows what it answers.
#include "commands/model_command.h"

#include <algorithm>
#include <filesystem>
#include <iostream>

#include <nlohmann/json.hpp>
#include <trainhost/cpp/error.hpp>
#include <trainhost/torch/model_file.h>

#include "commands/answer_text.h"
#include "commands/job.h"
#include "commands/model_op_packs.h"
#include "config/schema.h"
#include "engine/engine.h"
#include "loop/preemption.h"
#include "plugin/instance.h"

namespace trainhost {
namespace {

using nlohmann::json;
using Answer = nlohmann::ordered_json;  // in the plugin's order

// Suffixes that the installed models read, for messages: "thm (pt2)".
std::string known_suffixes(const PluginCatalog& catalog) {
  std::string text;
  for (const PluginRecord& record : catalog.records())
    for (const std::string& suffix : record.kind == "model" ? record.schemes : std::vector<std::string>()) text += format("{}.{} ({})", text.empty() ? "" : ", ", suffix, record.name);
  return text.empty() ? "none" : text;
}

PluginRecord find_reader(PluginCatalog& catalog, const std::filesystem::path& file) {
  const std::string extension = file.extension().string(), suffix = extension.empty() ? "" : extension.substr(1);
  std::vector<std::string> names;
  for (const PluginRecord& record : catalog.records())
    if (record.kind == "model" && std::find(record.schemes.begin(), record.schemes.end(), suffix) != record.schemes.end()) names.push_back(record.full_name());
  if (names.size() == 1) return catalog.find(names.front());
  if (names.empty())
    throw Error(ExitCode::kConfig, format("{}: no installed model plugin reads files like this; known: {}; see `trainhost plugins list`", file, known_suffixes(catalog)));
  throw Error(ExitCode::kConfig, format("{}: {} and {} both read files like this; leave one of them out of the plugin path", file, names[0], names[1]));
}

// The plugin's config, in which its one required key is the file.
json config_for(const PluginRecord& record, const std::filesystem::path& file) {
  const json required = record.schema->value("required", json::array());
  if (required.size() != 1)
    throw Error(ExitCode::kPlugin, format("{}: says that it reads files, but has {} required keys, wanted one for the file's path", record.full_name(), required.size()));
  ConfigTree table;
  table.set({required.front().get<std::string>()}, file.string(), Origin{});
  Problems problems;
  const ConfigTree checked = check_table(*record.schema, table, "", problems);
  problems.raise();
  return checked.values();
}

// Other plugins whose libraries register what the model needs, such as operators.
std::vector<std::unique_ptr<Instance>> load_others(PluginCatalog& catalog, const std::vector<std::string>& names) {
  std::vector<std::unique_ptr<Instance>> instances;
  for (const std::string& name : names) {
    const PluginRecord record = catalog.find(name);
    Problems problems;
    const ConfigTree checked = check_table(*record.schema, ConfigTree(), "", problems);
    problems.raise();
    instances.push_back(Instance::create(record, checked.values().dump()));
  }
  return instances;
}

Answer ask(const PluginRecord& record, const std::filesystem::path& file, const std::string& question, const std::string& device) {
  const auto instance = Instance::create(record, config_for(record, file).dump());
  const RunFacts facts;
  instance->start(facts);
  auto* reader = static_cast<t2::ModelFile*>(const_cast<void*>(instance->interface(t2::ModelFile::kInterface)));
  if (!reader) throw Error(ExitCode::kPlugin, format("{}: has no interface {}, though it says that it reads files", record.full_name(), t2::ModelFile::kInterface));
  std::string text;
  try {
    text = question == "info" ? reader->info() : reader->check(device);
  } catch (const PluginError& error) {
    throw Error(error.status == TRAINHOST_INVALID_ARGUMENT ? ExitCode::kConfig : error.status == TRAINHOST_RESOURCE_EXHAUSTED ? ExitCode::kOutOfMemory : ExitCode::kPlugin,
                error.message);
  }
  return Answer::parse(text);
}

}  // namespace

ExitCode model_command(const Request& request) {
  const bool is_known = request.words.size() == 2 && (request.words[0] == "info" || request.words[0] == "check");
  if (!is_known) throw Error(ExitCode::kConfig, "command line: model takes info FILE or check FILE; see `trainhost model --help`");
  const auto abort = abort_on_signal();
  const std::filesystem::path file = std::filesystem::absolute(request.words[1]).lexically_normal();
  PluginCatalog catalog = PluginCatalog::scan(plugin_search_path());
  const PluginRecord record = find_reader(catalog, file);
  const auto engine = open_engine({request.device.value_or("cpu"), 0, 0});  // for the libraries of the device, and to say when it is not there
  const std::string device = request.device && *request.device != "auto" ? *request.device : request.device ? engine->device().type : "cpu";
  const auto others = load_others(catalog, request.plugin_edits);
  Answer answer = ask(record, file, request.words[0], device);
  if (request.words[0] == "info")
    if (Answer table = replaced_operators(answer, catalog, request.plugin_edits, *engine); !table.is_null()) answer.at("tables").push_back(std::move(table));
  if (request.is_json)
    std::cout << answer.dump(2) << "\n";
  else {
    print_answer(std::cout, answer);
    if (answer.contains("passed")) std::cout << "\n" << (answer.at("passed").get<bool>() ? "passed" : "failed: this machine computes something else than the record says") << "\n";
  }
  return answer.value("passed", true) ? ExitCode::kDone : ExitCode::kGateNotMet;
}

}  // namespace trainhost
