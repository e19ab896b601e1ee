// From a plugin file and a request to subjects and questions.
#include "commands/check_subject.h"

#include <algorithm>
#include <random>

#include "base/crc32c.h"
#include "base/files.h"
#include "base/nearest.h"
#include "commands/check_fields.h"
#include "config/schema.h"
#include "plugin/catalog.h"

namespace trainhost {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

conformance::Record record_of(const PluginRecord& record) {
  return {record.kind,  record.name,    record.version,   record.metadata,    *record.schema,
          record.needs, record.schemes, record.decorates, record.is_stateful, record.torch_build.has_value()};
}

conformance::HostTools host_tools() {
  conformance::HostTools tools;
  tools.check_schema = [](const json& schema) { check_schema(schema, "schema"); };
  tools.apply_schema = [](const json& schema, const json& settings) {
    ConfigTree table;
    for (const auto& [key, value] : settings.items()) table.set({key}, value, Origin{});
    Problems problems;
    const ConfigTree result = check_table(schema, table, "", problems);
    problems.raise();
    return result.values();
  };
  tools.crc32c = [](std::string_view bytes) { return crc32c(bytes.data(), bytes.size()); };
  return tools;
}

fs::path find_file(const std::string& wanted) {
  if (is_path_word(wanted) || wanted.ends_with(".so")) return fs::absolute(wanted).lexically_normal();
  return PluginCatalog::scan(plugin_search_path()).find(wanted).file;
}

ConfigTree settings_tree(const Request& request) {
  ConfigTree tree;
  if (request.config_file) tree.add_file(*request.config_file);
  for (const std::string& text : request.overrides) tree.apply_override(text);
  return tree;
}

// An override that means none of the file's plugins would change nothing, quietly.
void check_overrides(const ConfigTree& tree, const std::vector<conformance::Record>& records) {
  std::vector<std::string> tables;
  for (const conformance::Record& record : records) tables.insert(tables.end(), {record.name, record.kind});
  for (const ConfigTree::Addition& addition : tree.additions())
    if (std::find(tables.begin(), tables.end(), addition.path.front()) == tables.end())
      throw Error(ExitCode::kConfig, format("{}: {} is no plugin of this file; write {}.KEY=VALUE{}", addition.origin.text, addition.path.front(),
                                            records.front().name, did_you_mean(addition.path.front(), tables)));
}

// So would fields for a file without a model.
void check_fields_are_wanted(const conformance::Subject& subject) {
  const bool has_model = std::any_of(subject.records.begin(), subject.records.end(), [](const conformance::Record& record) { return record.kind == "model"; });
  if (!subject.field_sets.empty() && !has_model)
    throw Error(ExitCode::kConfig, format("command line: --fields {}: {} holds no model, which alone is built for fields; leave it out", subject.field_sets.front().text,
                                          subject.file.string()));
}

json settings_of(const ConfigTree& tree, const conformance::Record& record) {
  json settings = json::object();
  for (const KeyPath& table : {KeyPath{record.name}, KeyPath{record.kind, record.name}})
    if (const json* found = tree.find(table); found && found->is_object()) settings.update(*found);
  return settings;
}

bool is_wanted(const Request& request, std::string_view id) {
  if (request.only.empty()) return true;
  return std::any_of(request.only.begin(), request.only.end(), [&](const std::string& start) { return id.starts_with(start); });
}

}  // namespace

std::string Asked::about(const conformance::Subject& subject) const {
  return question->scope == conformance::Scope::kFile ? subject.file.filename().string() : subject.records.at(plugin_index).full_name();
}

conformance::Subject load_subject(const Request& request) {
  if (request.words.size() != 2) throw Error(ExitCode::kConfig, format("command line: plugins check takes one FILE, got {}", request.words.size() - 1));
  conformance::Subject subject;
  subject.file = find_file(request.words.back());
  for (const PluginRecord& record : read_plugin_file(subject.file)) subject.records.push_back(record_of(record));
  subject.host = host_tools();
  subject.seed = request.reproduce ? *request.reproduce : std::random_device()();
  subject.device = request.device.value_or("cpu");
  for (const std::string& file : request.fields) subject.field_sets.push_back(load_fields(file));
  check_fields_are_wanted(subject);
  check_overrides(settings_tree(request), subject.records);
  return subject_of(request, subject, 0);
}

conformance::Subject subject_of(const Request& request, const conformance::Subject& file, size_t plugin_index) {
  conformance::Subject subject = file;
  subject.index = plugin_index;
  subject.settings = settings_of(settings_tree(request), subject.record());
  return subject;
}

std::vector<Asked> questions_for(const Request& request, const conformance::Subject& file) {
  std::vector<const std::vector<conformance::Question>*> lists{&conformance::questions()};
  const auto is_tied = [](const conformance::Record& record) { return record.is_tied_to_torch; };
  if (std::any_of(file.records.begin(), file.records.end(), is_tied)) lists.push_back(&conformance::torch_questions());
  std::vector<Asked> asked;
  std::vector<std::string> ids;
  for (size_t plugin = 0; plugin < file.records.size(); ++plugin)
    for (const auto* list : lists)
      for (const conformance::Question& question : *list) {
        const bool fits = question.scope == conformance::Scope::kFile ? plugin == 0 : question.kind.empty() || question.kind == file.records[plugin].kind;
        if (!fits) continue;
        ids.emplace_back(question.id);
        if (is_wanted(request, question.id)) asked.push_back({&question, plugin});
      }
  if (asked.empty())
    throw Error(ExitCode::kConfig,
                format("command line: --only {}: no question of this file begins so{}", request.only.front(), did_you_mean(request.only.front(), ids)));
  return asked;
}

}  // namespace trainhost
