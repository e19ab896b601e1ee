// Config and catalog joined.
#include "commands/job.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string_view>

#include "commands/plugins_lock.h"
#include "config/plugin_list.h"
#include "config/schema.h"
#include "config/writer.h"
#include "default_job_text.h"
#include "plugin/kind.h"

namespace trainhost {
namespace {

const std::vector<std::string> kRequiredKinds{"precision_policy", "accumulation_schedule", "data_source", "checkpoint_backend", "lr_schedule", "model", "optimizer"};

void add_environment(ConfigTree& tree) {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry; ++entry) entries.emplace_back(*entry);
  tree.add_environment(entries);
}

void add_request(ConfigTree& tree, const Request& request) {
  add_environment(tree);
  for (const std::string& text : request.overrides) tree.apply_override(text);
  if (request.name) tree.set_flag({"name"}, *request.name, "--name " + *request.name);
  if (request.device) tree.set_flag({"device"}, *request.device, "--device " + *request.device);
}

std::vector<KnownPlugin> known_plugins(const PluginCatalog& catalog) {
  std::vector<KnownPlugin> known;
  for (const PluginRecord& record : catalog.records())
    known.push_back({record.kind, record.name, record.decorates, find_kind(record.kind)->allows_many, record.file.string()});
  return known;
}

// A word in `plugins` that the catalog has to look at first: a path outside of the search path, a broken file, a twin.
void find_words(PluginCatalog& catalog, const ConfigTree& tree, const std::vector<std::string>& edits) {
  const PluginLists lists = plugin_lists(tree);
  for (const std::vector<std::string>* words : {&lists.plugins, &lists.data_decorators, &lists.checkpoint_decorators, &edits})
    for (const std::string& word : *words)
      if (!word.starts_with("-")) catalog.find(word);
}

std::string renewal_command(const Request& request, const Job& job, const std::filesystem::path& lock) {
  std::string command = "trainhost plugins lock";
  if (job.config_file) command += " " + job.config_file->string();
  for (size_t i = 0; i < request.plugin_edits.size(); ++i) command += (i ? "," : " --plugins ") + request.plugin_edits[i];
  const bool is_found = plugins_lock_place(ConfigTree(), job.config_file) == lock;
  return is_found ? command : command + " --out " + lock.string();
}

// A lock that a key names must be there; one beside the config counts when it is.
void verify_lock(const Request& request, const Job& job) {
  const auto place = plugins_lock_place(job.tree, job.config_file);
  if (!place || (!job.tree.find({"plugins_lock"}) && !std::filesystem::exists(*place))) return;
  require_locked(read_plugins_lock(*place), *place, job.plugins, renewal_command(request, job, *place));
}

Job make_job(ConfigTree tree, const Request& request, const std::string& default_name, std::optional<std::filesystem::path> config_file, LockUse lock_use) {
  Job job;
  job.config_file = std::move(config_file);
  job.tree = std::move(tree);
  job.catalog = load_catalog(job.tree);
  find_words(job.catalog, job.tree, request.plugin_edits);
  const std::vector<KnownPlugin> known = known_plugins(job.catalog);
  if (!request.plugin_edits.empty()) apply_plugins_flag(job.tree, request.plugin_edits, known);
  const std::vector<KnownPlugin> chosen = select_plugins(job.tree, known);
  require_kinds(kRequiredKinds, chosen, known);

  std::vector<PluginSchema> schemas;
  std::vector<PluginRecord> records;  // keeps the schemas alive
  const auto is_chosen = [&](const PluginRecord& record) {
    return std::any_of(chosen.begin(), chosen.end(), [&](const KnownPlugin& plugin) { return plugin.kind == record.kind && plugin.name == record.name; });
  };
  for (const KnownPlugin& plugin : chosen) records.push_back(job.catalog.find(plugin.kind + "/" + plugin.name));
  const size_t num_chosen = records.size();
  for (const PluginRecord& record : job.catalog.records())
    if (!is_chosen(record)) records.push_back(record);
  for (size_t i = 0; i < records.size(); ++i) schemas.push_back({records[i].kind, records[i].name, records[i].schema.get(), i < num_chosen, records[i].decorates > 0});
  job.config = resolve(job.tree, schemas, {default_name, false});

  std::map<std::filesystem::path, std::string> digests;  // of each file once
  const auto choose = [&](const PluginConfig& config) {
    const PluginRecord record = job.catalog.find(config.kind + "/" + config.name);
    std::string& digest = digests[record.file];
    if (digest.empty()) digest = file_sha256(record);
    return ChosenPlugin{record, config.values, digest};
  };
  for (const PluginConfig& config : job.config.plugins) job.plugins.push_back(choose(config));
  for (const EvaluationSources& sources : job.config.evaluation_sources) {
    job.evaluation_sources.emplace_back(sources.set, std::vector<ChosenPlugin>{});
    for (const PluginConfig& config : sources.plugins) job.evaluation_sources.back().second.push_back(choose(config));
  }
  for (size_t i = 0; i < job.config.mixture.size(); ++i) {
    MixturePartSetup part{job.config.mixture[i].set, job.config.run.data.mixture[i].weight, {}};
    for (const PluginConfig& config : job.config.mixture[i].plugins) part.plugins.push_back(choose(config));
    for (const ChosenPlugin& plugin : part.plugins)
      if (std::none_of(job.plugins.begin(), job.plugins.end(), [&](const ChosenPlugin& other) { return other.record.full_name() == plugin.record.full_name(); })) job.plugins.push_back(plugin);
    job.mixture.push_back(std::move(part));
  }
  if (lock_use == LockUse::kVerified) verify_lock(request, job);
  return job;
}

// A backend of files that the list of places leaves out keeps its checkpoints in the run folder, as the near place of a mirror may.
void add_default_place(const Job& job, const std::string& place, std::vector<std::string>& uris) {
  size_t next = 0;
  for (const ChosenPlugin& plugin : job.plugins) {
    if (plugin.record.kind != "checkpoint_backend" || plugin.record.decorates > 0) continue;
    const auto handles = [&](std::string_view scheme) { return std::find(plugin.record.schemes.begin(), plugin.record.schemes.end(), scheme) != plugin.record.schemes.end(); };
    const bool has_place = next < uris.size() && handles(uris[next].substr(0, uris[next].find(':')));
    if (!has_place && handles("file")) {
      uris.insert(uris.begin() + static_cast<std::ptrdiff_t>(next), place);
      return;
    }
    ++next;
  }
}

// Every backend that is no decorator gets a URI whose scheme it has. Below a configured place each run has a folder of its own, under the run folder's name.
std::vector<std::string> checkpoint_uris(const Job& job, const std::filesystem::path& folder) {
  std::vector<std::string> uris = job.config.run.checkpoint.uris;
  for (std::string& uri : uris) uri += (uri.ends_with('/') ? "" : "/") + folder.filename().string();
  const auto num_backends = std::count_if(job.plugins.begin(), job.plugins.end(), [](const ChosenPlugin& plugin) { return plugin.record.kind == "checkpoint_backend" && plugin.record.decorates == 0; });
  const std::string place = "file:" + (std::filesystem::absolute(folder) / "checkpoints").string();
  if (uris.empty()) uris.push_back(place);
  else if (uris.size() < static_cast<size_t>(num_backends)) add_default_place(job, place, uris);
  size_t next = 0;
  for (const ChosenPlugin& plugin : job.plugins) {
    if (plugin.record.kind != "checkpoint_backend" || plugin.record.decorates > 0) continue;
    if (next >= uris.size())
      throw Error(ExitCode::kConfig, format("checkpoint.uri: {} place(s) given, {} needs one more; make it a list with one URI for each backend", uris.size(), plugin.record.full_name()));
    const std::string scheme = uris[next].substr(0, uris[next].find(':'));
    const auto& schemes = plugin.record.schemes;
    if (std::find(schemes.begin(), schemes.end(), scheme) == schemes.end())
      throw Error(ExitCode::kConfig, format("checkpoint.uri: {}: {} does not handle the scheme \"{}\"; choose a backend that does (`trainhost plugins list`), or another URI",
                                            uris[next], plugin.record.full_name(), scheme));
    ++next;
  }
  return uris;
}

// Weights to start from may lie in another kind of place than the run's own checkpoints.
std::vector<ChosenPlugin> other_backends(const Job& job) {
  std::vector<ChosenPlugin> backends;
  for (const PluginRecord& record : job.catalog.records()) {
    const bool is_chosen = std::any_of(job.plugins.begin(), job.plugins.end(), [&](const ChosenPlugin& plugin) { return plugin.record.full_name() == record.full_name(); });
    if (record.kind != "checkpoint_backend" || record.decorates > 0 || is_chosen) continue;
    ConfigTree table;
    for (const KeyPath& path : {KeyPath{record.name}, KeyPath{record.kind, record.name}}) table.graft({}, job.tree.subtree(path));
    Problems problems;
    const ConfigTree checked = check_table(*record.schema, table, record.name, problems);
    problems.raise();
    backends.push_back({record, checked.values()});
  }
  return backends;
}

}  // namespace

std::filesystem::path cache_folder() {
  const auto variable = [](const char* name) { return std::string(std::getenv(name) ? std::getenv(name) : ""); };
  if (const std::string own = variable("TRAINHOST_CACHE"); !own.empty()) return own;
  if (const std::string shared = variable("XDG_CACHE_HOME"); !shared.empty()) return std::filesystem::path(shared) / "trainhost";
  return std::filesystem::path(variable("HOME")) / ".cache" / "trainhost";
}

ConfigTree load_tree(const Request& request) {
  if (request.words.size() > 1)
    throw Error(ExitCode::kConfig, format("command line: {} takes one CONFIG, got {} and {}; join them with `include` in a file", request.command, request.words[0], request.words[1]));
  ConfigTree tree;
  if (request.words.empty())
    tree.add_text(kDefaultJobText, "<default job>");
  else
    tree.add_file(request.words.back());
  add_request(tree, request);
  return tree;
}

PluginCatalog load_catalog(const ConfigTree& tree) {
  std::vector<std::filesystem::path> configured;
  if (const auto* paths = tree.find({"plugin_path"}); paths && paths->is_array())
    for (const auto& path : *paths)
      if (path.is_string()) configured.emplace_back(path.get<std::string>());
  const auto* is_allowed = tree.find({"allow_writable_plugins"});  // another type than bool is refused when the config is checked
  const WritableFiles writable_files = is_allowed && *is_allowed == true ? WritableFiles::kAllowed : WritableFiles::kRefused;
  return PluginCatalog::scan(plugin_search_path(configured), host_abi(), writable_files);
}

Job load_job(const Request& request, LockUse lock_use) {
  std::optional<std::filesystem::path> file;
  if (!request.words.empty()) file = request.words.back();
  return make_job(load_tree(request), request, file ? file->stem().string() : "default", file, lock_use);
}

Job load_run_job(const Request& request, const std::filesystem::path& folder) {
  const std::filesystem::path config = folder / "config.toml";
  if (!std::filesystem::exists(config))
    throw Error(ExitCode::kConfig, format("{}: no run folder, it has no config.toml; give the folder that `trainhost run` printed, e.g. runs/quickstart", folder.string()));
  ConfigTree tree;
  tree.add_file(config);
  add_request(tree, request);
  return make_job(std::move(tree), request, folder.filename().string(), config, LockUse::kVerified);
}

SessionSetup make_setup(const Job& job, const std::filesystem::path& folder, const std::string& run_id) {
  SessionSetup setup;
  setup.config = job.config;
  setup.plugins = job.plugins;
  setup.evaluation_sources = job.evaluation_sources;
  setup.mixture = job.mixture;
  setup.folder = folder;
  setup.checkpoint_uris = checkpoint_uris(job, folder);
  if (!job.config.run.model.init_from.empty()) setup.other_backends = other_backends(job);
  setup.facts.run_id = run_id;
  setup.facts.run_folder = std::filesystem::absolute(folder).string();
  setup.facts.cache_folder = cache_folder().string();
  if (job.config.run.price_per_hour) setup.facts.currency = job.config.run.currency;  // empty: money is not measured
  setup.facts.config_json = public_config(job.config).dump();
  return setup;
}

void keep_evaluation_only(SessionSetup& setup) {
  static const std::vector<std::string> kNeeded{"precision_policy", "accumulation_schedule", "data_source", "checkpoint_backend", "model", "op_pack"};
  setup.is_training = false;
  setup.may_restore = true;
  std::erase_if(setup.plugins, [](const ChosenPlugin& plugin) { return std::find(kNeeded.begin(), kNeeded.end(), plugin.record.kind) == kNeeded.end(); });
}

}  // namespace trainhost
