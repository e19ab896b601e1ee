// Conditions from the outside in: the file, its entry, then what each plugin in it needs. The instance, where one is wanted, is made by a child process.
#include "commands/plugins_explain.h"

#include <algorithm>
#include <ostream>

#include <trainhost/host.h>
#include <trainhost/report.h>
#include <trainhost/state.h>

#include "base/files.h"
#include "commands/check_process.h"
#include "commands/check_subject.h"
#include "commands/explain_text.h"
#include "commands/temporary_folder.h"
#include "conformance/elf_file.h"
#include "plugin/compatibility.h"
#include "plugin/instance.h"
#include "plugin/kind.h"
#include "plugin/services.h"
#include "plugin/trust.h"

namespace trainhost {
namespace {

namespace fs = std::filesystem;
using conformance::Outcome;
using conformance::Verdict;
using Finding = Explanation::Finding;

constexpr const char* kEntry = "trainhost_plugin_entry_1";
// What an instance is asked for, in this order; an id that its kind does not know is answered with NULL.
constexpr const char* kInterfaces[] = {"trainhost.precision_policy/1",
                                       "trainhost.precision_layers/1",
                                       "trainhost.accumulation_schedule/1",
                                       "trainhost.data_source/1",
                                       "trainhost.data_lengths/1",
                                       "trainhost.text/1",
                                       "trainhost.checkpoint_backend/1",
                                       "trainhost.stopping_rule/1",
                                       "trainhost.lr_schedule/1",
                                       "trainhost.observer/1",
                                       "trainhost.state/1",
                                       "trainhost.torch.model/1",
                                       "trainhost.torch.text_model/1",
                                       "trainhost.torch.model_file/1",
                                       "trainhost.torch.hugging_face/1",
                                       "trainhost.torch.optimizer/1",
                                       "trainhost.torch.op_pack/1",
                                       "trainhost.torch.capture_aware/1"};

Finding entry_finding(const fs::path& file) {
  try {
    const conformance::ElfFile elf(file);
    for (const auto& symbol : elf.symbols())
      if (symbol.is_defined && symbol.name == kEntry) return {"entry", true, format("exports {}", kEntry)};
  } catch (const std::exception& error) {
    return {"entry", false, format("{}: {}", file.string(), error.what())};
  }
  return {"entry", false, format("{}: exports no function {}; build it again with trainhost_add_plugin(), which does", file.string(), kEntry)};
}

Finding place_finding(const fs::path& file, const PluginCatalog& catalog) {
  const auto& folders = catalog.folders();
  if (std::find(folders.begin(), folders.end(), file.parent_path()) != folders.end())
    return {"place", true, "a folder of the search path, so that its name is enough"};
  return {"place", true, "no folder of the search path: ask for it by its path, or add its folder to TRAINHOST_PLUGIN_PATH or plugin_path"};
}

Finding trust_finding(const fs::path& file, const PluginCatalog& catalog) {
  if (catalog.writable_files() == WritableFiles::kAllowed) return {"trust", true, "not asked: the config allows files that others may write to"};
  const std::string complaint = distrust_file(file);
  if (complaint.empty()) return {"trust", true, "nobody else may write to it"};
  return {"trust", false, complaint.starts_with(file.string()) ? complaint : format("{}: not loaded: {}", file.string(), complaint)};
}

Finding services_finding(const PluginRecord& record) {
  std::string needs, gets;
  for (const std::string& id : record.needs) {
    if (!run_offers(record, id))
      return {"services", false, format("{}: {}: needs the service {}, which this host has not for it; update trainhost or leave the plugin out",
                                        record.file.string(), record.full_name(), id)};
    needs += (needs.empty() ? "" : ", ") + id;
  }
  for (const char* id : {TRAINHOST_LOG, TRAINHOST_CALL, TRAINHOST_RUN, TRAINHOST_REPORT, TRAINHOST_MEMORY, TRAINHOST_UPSTREAM})
    if (run_offers(record, id)) gets += (gets.empty() ? "" : ", ") + std::string(id);
  return {"services", true, format("needs {}; gets {}", needs.empty() ? "none" : needs, gets)};
}

// A name in two files of the search path means neither; a path means its own file.
Finding name_finding(const PluginRecord& record, const PluginCatalog& catalog, bool is_meant_by_path) {
  for (const PluginRecord& other : catalog.records())
    if (other.full_name() == record.full_name() && other.file != record.file)
      return {
          "name", is_meant_by_path,
          format("{} stands in two files: {} and {}; remove one, or ask for it by its path", record.full_name(), record.file.string(), other.file.string())};
  return {"name", true, format("{} stands in no other file", record.full_name())};
}

Explanation::Plugin explain(const PluginRecord& record, const PluginCatalog& catalog, const HostAbi& host, bool is_meant_by_path) {
  Explanation::Plugin plugin{record, {}, {}};
  for (const Condition& condition : conditions(record, host))
    plugin.findings.push_back({condition.name, condition.complaint.empty(), condition.complaint.empty() ? condition.facts : condition.complaint});
  if (record.abi != host.major) return plugin;
  plugin.findings.push_back(services_finding(record));
  plugin.findings.push_back(name_finding(record, catalog, is_meant_by_path));
  if (const PluginKind* kind = find_kind(record.kind)) plugin.interfaces.emplace_back(kind->interface_id);
  if (record.is_stateful) plugin.interfaces.emplace_back(TRAINHOST_STATE);
  return plugin;
}

bool all_met(const std::vector<Finding>& findings) {
  return std::all_of(findings.begin(), findings.end(), [](const Finding& finding) { return finding.is_met; });
}

// ---- the instance ----

// In the child: one line for each interface that the instance has.
Verdict interfaces_of(const conformance::Subject& subject) {
  std::string config;
  try {
    config = subject.host.apply_schema(subject.record().schema, subject.settings).dump();
  } catch (const std::exception& error) {
    return {Outcome::kSkipped, format("{}; give keys as {}.KEY=VALUE or with --config", error.what(), subject.record().name)};
  }
  if (subject.record().decorates > 0) return {Outcome::kSkipped, format("it wraps {} of its kind, which only a run gives it", subject.record().decorates)};
  try {
    const auto instance = Instance::create(read_plugin_file(subject.file).at(subject.index), config);
    std::string text;
    for (const char* id : kInterfaces)
      if (instance->interface(id)) text += (text.empty() ? "" : "\n") + std::string(id);
    return {Outcome::kOk, text};
  } catch (const std::exception& error) {
    return {Outcome::kFail, error.what()};
  }
}

ExitCode answer_for_parent(const Request& request) {
  conformance::Subject subject = load_subject(request);
  for (size_t i = 0; i < subject.records.size(); ++i)
    if (subject.records[i].full_name() == request.ask_of) subject = subject_of(request, subject, i);
  answer_into(*request.ask_folder, {"explain/interfaces", "", "", conformance::Scope::kPlugin, interfaces_of}, subject);
  return ExitCode::kDone;
}

Verdict ask_instance(const Request& request, const PluginRecord& record) {
  const TemporaryFolder folder(fs::temp_directory_path(), "trainhost-explain");
  std::vector<std::string> words{"trainhost", "plugins", "explain", record.file.string(), "--ask", folder.path().string(), "--of", record.full_name()};
  if (request.config_file) words.insert(words.end(), {"--config", *request.config_file});
  for (const std::string& text : request.overrides) words.insert(words.end(), {"--set", text});
  return ask_in_a_process(words, folder.path(), request.time_limit_s);
}

bool is_file_word(const std::string& wanted) { return is_path_word(wanted) || wanted.ends_with(".so"); }

// Every file that has the name, usable or not; a path is itself.
std::vector<fs::path> files_meant(const std::string& wanted, PluginCatalog& catalog) {
  if (is_file_word(wanted)) {
    std::error_code error;
    const fs::path file = fs::canonical(wanted, error);
    return {error ? fs::absolute(wanted) : file};
  }
  std::vector<fs::path> files;
  const auto add = [&](const fs::path& file, const std::string& full_name) {
    if (wanted != full_name && wanted != full_name.substr(full_name.find('/') + 1)) return;
    if (std::find(files.begin(), files.end(), file) == files.end()) files.push_back(file);
  };
  for (const PluginRecord& record : catalog.records()) add(record.file, record.full_name());
  for (const BrokenFile& broken : catalog.broken())
    for (const std::string& name : broken.names) add(broken.file, name);
  if (files.empty()) files.push_back(catalog.find(wanted).file);  // says what is unknown
  return files;
}

}  // namespace

bool Explanation::Plugin::would_load() const { return all_met(findings); }

bool Explanation::would_load() const {
  return all_met(findings) && std::all_of(plugins.begin(), plugins.end(), [](const Plugin& plugin) { return plugin.would_load(); });
}

Explanation explain_plugin_file(const fs::path& file, std::string_view only, const PluginCatalog& catalog, const HostAbi& host) {
  Explanation explanation{file, {}, {}};
  std::vector<PluginRecord> records;
  try {
    records = read_records(file);
  } catch (const Error& error) {
    explanation.findings.push_back({"file", false, error.what()});
    return explanation;
  }
  explanation.findings.push_back({"file", true, format("a shared library for this machine, with {} plugin{}", records.size(), records.size() == 1 ? "" : "s")});
  explanation.findings.push_back(entry_finding(file));
  explanation.findings.push_back(trust_finding(file, catalog));
  explanation.findings.push_back(place_finding(file, catalog));
  for (const PluginRecord& record : records)
    if (only.empty() || only == record.name || only == record.full_name()) explanation.plugins.push_back(explain(record, catalog, host, only.empty()));
  return explanation;
}

ExitCode plugins_explain(const Request& request, PluginCatalog& catalog, std::ostream& out) {
  if (request.words.size() != 2)
    throw Error(ExitCode::kConfig, format("command line: plugins explain takes one NAME or FILE, got {}", request.words.size() - 1));
  if (request.ask_folder) return answer_for_parent(request);
  const std::string& wanted = request.words.back();
  const bool is_path = is_file_word(wanted);
  std::vector<ExplainedFile> files;
  bool is_sound = true;
  for (const fs::path& file : files_meant(wanted, catalog)) {
    files.push_back({explain_plugin_file(file, is_path ? "" : wanted, catalog), {}});
    const Explanation& explanation = files.back().explanation;
    for (const Explanation::Plugin& plugin : explanation.plugins)
      if (request.wants_instance && explanation.would_load()) files.back().instances.push_back(ask_instance(request, plugin.record));
    is_sound = is_sound && explanation.would_load();
    for (const Verdict& verdict : files.back().instances) is_sound = is_sound && verdict.outcome != Outcome::kFail;
  }
  request.is_json ? print_as_json(files, out) : print_as_text(files, out);
  return is_sound ? ExitCode::kDone : ExitCode::kPlugin;
}

}  // namespace trainhost
