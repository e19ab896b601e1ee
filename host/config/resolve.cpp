// The order of the checks: names of tables, the host's keys, each plugin's table, the evaluation sets.
#include "config/resolve.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/nearest.h"
#include "config/plugin_tables.h"
#include "config/run_config_reader.h"
#include "config/schema.h"
#include "config/schema_value.h"

namespace trainhost {
namespace {

using nlohmann::json;

constexpr int kSetLevel = 10'000'000;  // what a set says about its source wins over every layer of the source's own table

// Kinds that watch, store or end a run, but have no part in its numbers.
bool shapes_numbers(const std::string& kind) { return kind != "observer" && kind != "checkpoint_backend" && kind != "stopping_rule"; }

class Resolver {
 public:
  Resolver(const ConfigTree& tree, std::span<const PluginSchema> installed, const ResolveOptions& options)
      : tree_(tree), installed_(installed), tables_(installed), options_(options) {}

  ResolvedConfig resolve() {
    tables_.take_ambiguous(tree_, problems_);
    check_additions();
    check_host();
    for (const PluginSchema* plugin : tables_.plugins()) raw_.emplace_back(tables_.collect(tree_, {}, *plugin, problems_));
    result_.run = read_run_config(result_.host, options_, problems_);
    check_unchosen();
    for (const PluginSchema& plugin : installed_)
      if (plugin.is_chosen) result_.plugins.push_back(chosen_config(plugin));
    for (const EvaluationSet& set : result_.run.evaluations) result_.evaluation_sources.push_back(sources_of(set.name, {"evaluation", set.name}, nullptr));
    for (const MixturePartConfig& part : result_.run.data.mixture) result_.mixture.push_back(sources_of(part.name, {"data", "mixture", part.name}, source_of(part)));
    problems_.raise();
    return std::move(result_);
  }

 private:
  // `a.b=c` and the environment set keys that exist or are declared; a new name under an open table needs `+`.
  void check_additions() {
    const json schema = tables_.whole_schema(true);
    for (const ConfigTree::Addition& addition : tree_.additions()) {
      const json* table = &schema;
      for (size_t i = 0; i < addition.path.size() && tree_.find(addition.path); ++i) {
        const auto properties = table->find("properties");
        const auto others = table->find("additionalProperties");
        if (properties != table->end() && properties->contains(addition.path[i])) {
          table = &(*properties)[addition.path[i]];
        } else if (others != table->end() && others->is_object()) {
          if (addition.first_new <= i) complain_new(addition, i);
          table = &*others;
        } else {
          break;  // unknown, or a table that takes anything: the check of the table knows
        }
      }
    }
  }

  void complain_new(const ConfigTree::Addition& addition, size_t index) {
    const KeyPath name(addition.path.begin(), addition.path.begin() + static_cast<std::ptrdiff_t>(index) + 1);
    const std::string text = key_text(name);
    const std::string remedy = addition.origin.layer == Layer::kEnvironment
                                   ? "new names are made in the file or with +" + text + "...=value"
                                   : "write +" + addition.origin.text.substr(std::string("override ").size()) + " to add it";
    problems_.add(format("{}: there is no {} to change; {}", addition.origin.text, text, remedy));
  }

  void check_host() {
    result_.host = check_table(tables_.whole_schema(false), tree_, "", problems_);
    take_set_tables({"evaluation"}, result_.evaluation_overrides);
    take_set_tables({"data", "mixture"}, result_.mixture_overrides);
    tables_.remove_all(result_.host, {});
    set_default_name();
  }

  // Tables of sources below `parent`.<set> leave the host's tree.
  void take_set_tables(const KeyPath& parent, ConfigTree& overrides) {
    const json* sets = result_.host.find(parent);
    std::vector<std::string> names;
    if (sets)
      for (const auto& [name, unused] : sets->items()) names.push_back(name);
    for (const std::string& name : names) {
      KeyPath set = parent;
      set.push_back(name);
      tables_.remove_all(result_.host, set, "data_source");
      for (const PluginSchema* plugin : tables_.plugins())
        if (plugin->kind == "data_source") take_set_table(set, *plugin, overrides);
    }
  }

  void take_set_table(const KeyPath& set, const PluginSchema& plugin, ConfigTree& overrides) {
    const ConfigTree table = tables_.collect(tree_, set, plugin, problems_);
    KeyPath path = tables_.table_path(plugin);
    path.insert(path.begin(), set.back());
    for (const KeyPath& leaf : table.leaves()) {
      KeyPath at = path;
      at.insert(at.end(), leaf.begin(), leaf.end());
      overrides.set(at, *table.find(leaf), origin_of_key(*plugin.schema, leaf, table.origin(leaf)));
    }
  }

  void set_default_name() {
    if (tree_.find({"name"})) return;
    json name = options_.default_name;
    const std::string problem = check_value(tables_.whole_schema(false)["properties"]["name"], name);
    if (!problem.empty())
      problems_.add(format("name {}, which is the name of the config file; set `name`", problem));
    else
      result_.host.set({"name"}, name, Origin{Layer::kDefault, 0, "default: the config's name"});
  }

  size_t index_of(const PluginSchema& plugin) const {
    const auto& all = tables_.plugins();
    return static_cast<size_t>(
        std::find_if(all.begin(), all.end(), [&](const PluginSchema* other) { return other->kind == plugin.kind && other->name == plugin.name; }) -
        all.begin());
  }

  void check_unchosen() {
    for (size_t i = 0; i < raw_.size(); ++i) {
      const PluginSchema& plugin = *tables_.plugins()[i];
      if (!plugin.is_chosen && !lends_its_keys(plugin) && !raw_[i].values().empty()) (void)check_table(*plugin.schema, raw_[i], tables_.table_name(plugin), problems_);
    }
  }

  PluginConfig config_of(const PluginSchema& plugin, const ConfigTree& raw) {
    PluginConfig config;
    config.kind = plugin.kind;
    config.name = plugin.name;
    config.table = tables_.table_name(plugin);
    config.tree = check_table(*plugin.schema, raw, config.table, problems_);
    config.values = config.tree.values();
    const bool is_tracked = shapes_numbers(plugin.kind) && plugin.schema->value("x-trajectory", true);
    config.trajectory = is_tracked ? trajectory_part(*plugin.schema, config.values) : json();
    return config;
  }

  // To parts of a mixture, which say what is wrong with them.
  bool lends_its_keys(const PluginSchema& plugin) const {
    const std::vector<MixturePartConfig>& parts = result_.run.data.mixture;
    return plugin.kind == "data_source" &&
           std::any_of(parts.begin(), parts.end(), [&](const MixturePartConfig& part) { return part.source == plugin.name || part.source == plugin.kind + "/" + plugin.name; });
  }

  // The source of a mixture only lends its keys to the parts, which say what is wrong with them.
  PluginConfig chosen_config(const PluginSchema& plugin) {
    if (plugin.kind != "data_source" || result_.run.data.mixture.empty()) return config_of(plugin, raw_[index_of(plugin)]);
    Problems of_parts;
    std::swap(of_parts, problems_);
    PluginConfig config = config_of(plugin, raw_[index_of(plugin)]);
    std::swap(of_parts, problems_);
    return config;
  }

  // nullptr: that of `plugins`.
  const PluginSchema* source_of(const MixturePartConfig& part) {
    if (part.source.empty()) return nullptr;
    std::vector<std::string> names;
    for (const PluginSchema& plugin : installed_) {
      if (plugin.kind != "data_source" || plugin.is_decorator) continue;
      if (part.source == plugin.name || part.source == plugin.kind + "/" + plugin.name) return &plugin;
      names.push_back(plugin.name);
    }
    const KeyPath key{"data", "mixture", part.name, "source"};
    problems_.add(format("{}: {}: no data source \"{}\" is installed{}; `trainhost plugins list` shows them", result_.host.origin(key).text, key_text(key), part.source, did_you_mean(part.source, names)));
    return nullptr;
  }

  // `source` stands in the place of the chosen one that is no decorator.
  EvaluationSources sources_of(const std::string& name, const KeyPath& set, const PluginSchema* source) {
    EvaluationSources sources{name, {}};
    for (const PluginSchema& chosen : installed_) {
      if (!chosen.is_chosen || chosen.kind != "data_source") continue;
      const PluginSchema& plugin = source && !chosen.is_decorator ? *source : chosen;
      ConfigTree table = raw_[index_of(plugin)];
      ConfigTree own = tables_.collect(tree_, set, plugin, problems_);
      own.raise_levels(kSetLevel);
      table.graft({}, own);
      sources.plugins.push_back(config_of(plugin, table));
    }
    return sources;
  }

  ConfigTree tree_;
  std::span<const PluginSchema> installed_;
  PluginTables tables_;
  const ResolveOptions& options_;
  Problems problems_;
  std::vector<ConfigTree> raw_;  // beside tables_.plugins()
  ResolvedConfig result_;
};

}  // namespace

const PluginConfig* ResolvedConfig::find(std::string_view kind, std::string_view name) const {
  const auto found = std::find_if(plugins.begin(), plugins.end(), [&](const PluginConfig& plugin) { return plugin.kind == kind && plugin.name == name; });
  return found == plugins.end() ? nullptr : &*found;
}

ResolvedConfig resolve(const ConfigTree& tree, std::span<const PluginSchema> installed, const ResolveOptions& options) {
  return Resolver(tree, installed, options).resolve();
}

json config_schema(std::span<const PluginSchema> installed) {
  json schema = PluginTables(installed).whole_schema(true);
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  schema["title"] = "trainhost config";
  return schema;
}

}  // namespace trainhost
