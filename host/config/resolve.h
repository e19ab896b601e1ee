// From the tree to what a run uses: the host's structs, and one validated JSON config for each chosen plugin.
#pragma once
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/run_config.h"
#include "config/tree.h"

namespace trainhost {

/// One installed plugin, as the catalog knows it. Chosen ones stand in the order of select_plugins().
struct PluginSchema {
  std::string kind, name;
  const nlohmann::json* schema = nullptr;  // borrowed; outlives the call
  bool is_chosen = false;
  bool is_decorator = false;
};

/// The config of one chosen plugin: the schema's defaults are filled in; keys without default that nobody set are absent.
struct PluginConfig {
  std::string kind, name;
  std::string table;  // how its table is called: "accum", or "accumulation_schedule.accum" where the bare name is ambiguous
  nlohmann::json values;
  ConfigTree tree;            // the same with origins
  nlohmann::json trajectory;  // the part that changes the numbers; null = the plugin is no part of the trajectory
};

/// The data sources of one evaluation set, or of one part of a mixture: the training set's source and decorators with the set's own keys laid over them.
struct EvaluationSources {
  std::string set;
  std::vector<PluginConfig> plugins;  // in the order of `plugins`
};

struct ResolvedConfig {
  RunConfig run;
  std::vector<PluginConfig> plugins;
  std::vector<EvaluationSources> evaluation_sources;  // in the order of run.evaluations
  std::vector<EvaluationSources> mixture;             // in the order of run.data.mixture; the source in `plugins` only lends its keys then, and may lack some
  ConfigTree host;                                    // the host's keys, defaults filled in
  ConfigTree evaluation_overrides;                    // "<set>.<table>.<key>": what the sets say about sources
  ConfigTree mixture_overrides;                       // the same of the parts

  /// nullptr = not chosen.
  const PluginConfig* find(std::string_view kind, std::string_view name) const;
};

struct ResolveOptions {
  std::string default_name = "run";  // of the run, when no key says it: the stem of the config file
  bool has_energy_meter = false;     // whether kwh is a unit
};

/// Checks everything: unknown keys (with the nearest one), types, ranges, intervals that this run cannot measure, tables of installed plugins that are not
/// chosen. Throws Error(kConfig) with one problem a line, each with its place.
ResolvedConfig resolve(const ConfigTree& tree, std::span<const PluginSchema> installed, const ResolveOptions& options = {});

/// JSON Schema (draft 2020-12) of a whole config file: the host's keys and the tables of the installed plugins.
nlohmann::json config_schema(std::span<const PluginSchema> installed);

/// For people: every host key with type, default and meaning, one a paragraph (`trainhost help config`).
std::string host_keys_help();

}  // namespace trainhost
