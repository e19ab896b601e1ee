// The config room's answers, printed.
#include "commands/config_command.h"

#include <algorithm>
#include <iostream>

#include <nlohmann/json.hpp>

#include "base/nearest.h"
#include "commands/job.h"
#include "config/schema.h"
#include "config/trajectory.h"
#include "config/writer.h"

namespace trainhost {
namespace {

using nlohmann::json;

const std::vector<std::string> kVerbs{"show", "check", "schema"};

std::vector<PluginSchema> installed_schemas(const PluginCatalog& catalog) {
  std::vector<PluginSchema> schemas;
  for (const PluginRecord& record : catalog.records()) schemas.push_back({record.kind, record.name, record.schema.get(), false});
  return schemas;
}

std::string job_hash(const Job& job) { return trajectory_hash(trajectory(job.config, schedule_length(job.config))); }

json origins_of(const ConfigTree& tree) {
  json origins = json::object();
  for (const KeyPath& leaf : tree.leaves()) origins[key_text(leaf)] = tree.origin(leaf).text;
  return origins;
}

json shown(const Job& job) {
  json plugins = json::object(), origins = {{"host", origins_of(job.config.host)}, {"plugins", json::object()}};
  for (const PluginConfig& plugin : job.config.plugins) {
    plugins[plugin.kind + "/" + plugin.name] = masked_values(plugin.tree);
    origins["plugins"][plugin.kind + "/" + plugin.name] = origins_of(plugin.tree);
  }
  return {{"host", masked_values(job.config.host)}, {"plugins", plugins}, {"origins", origins}, {"trajectory_hash", job_hash(job)}};
}

void show(const Request& request, std::ostream& out) {
  const Job job = load_job(request, LockUse::kIgnored);
  if (request.is_json)
    out << shown(job).dump(2) << "\n";
  else
    out << resolved_toml(job.config, request.wants_origins);
}

// Creating is as far as a plugin goes without opening a thread, a socket or a file for writing.
void create_plugins(const Job& job, const std::filesystem::path& out_folder) {
  const SessionSetup setup = make_setup(job, out_folder / job.config.run.name, "");
  std::vector<ChosenPlugin> chosen = setup.plugins;
  size_t next_uri = 0;
  for (ChosenPlugin& plugin : chosen)
    if (plugin.record.kind == "checkpoint_backend" && plugin.record.decorates == 0) plugin.config["uri"] = setup.checkpoint_uris.at(next_uri++);
  const RunPlugins run(without_parts(std::move(chosen), setup.mixture), nullptr);
  const TrainingSource data(run, setup.mixture, nullptr);
  std::vector<std::unique_ptr<RunPlugins>> sources;
  for (const auto& [set, plugins] : setup.evaluation_sources) sources.push_back(std::make_unique<RunPlugins>(plugins, nullptr));
}

void check(const Request& request, std::ostream& out) {
  const Job job = load_job(request);
  for (const ChosenPlugin& plugin : job.plugins) check_schema(*plugin.record.schema, format("{}: {}", plugin.record.file, plugin.record.full_name()));
  create_plugins(job, request.out);
  const std::string file = request.words.empty() ? "<default job>" : request.words.back();
  if (request.is_json)
    out << json{{"file", file}, {"name", job.config.run.name}, {"plugins", job.plugins.size()}, {"trajectory_hash", job_hash(job)}}.dump() << "\n";
  else
    out << format("{}: good; run {}, {} plugins, trajectory {}\n", file, job.config.run.name, job.plugins.size(), job_hash(job));
}

}  // namespace

ExitCode config_command(const Request& request, std::ostream& out) {
  Request rest = request;
  const std::string verb = rest.words.empty() ? "" : rest.words.front();
  if (!rest.words.empty()) rest.words.erase(rest.words.begin());
  if (std::find(kVerbs.begin(), kVerbs.end(), verb) == kVerbs.end())
    throw Error(ExitCode::kConfig, format("command line: config takes show, check or schema, got \"{}\"{}", verb, did_you_mean(verb, kVerbs)));
  if (rest.words.size() > 1)
    throw Error(ExitCode::kConfig, format("command line: config {} takes one CONFIG, got {} and {}", verb, rest.words[0], rest.words[1]));
  if (verb == "show")
    show(rest, out);
  else if (verb == "check")
    check(rest, out);
  else
    out << config_schema(installed_schemas(load_catalog(load_tree(rest)))).dump(2) << "\n";
  return ExitCode::kDone;
}

ExitCode config_command(const Request& request) { return config_command(request, std::cout); }

}  // namespace trainhost
