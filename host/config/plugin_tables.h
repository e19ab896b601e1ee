// Which table of a config belongs to which plugin (inside of the config room).
#pragma once
#include <map>
#include <span>
#include <string>
#include <vector>

#include "config/resolve.h"
#include "config/schema.h"

namespace trainhost {

/// The installed plugins by the tables that they may be written under: [name] where the bare name is unambiguous, always [kind.name].
class PluginTables {
 public:
  /// Borrows `installed`. Twins (one kind and name, two files) count once, the first. Throws Error(kPlugin) for a name that a key of the host has in the kind's
  /// table.
  explicit PluginTables(std::span<const PluginSchema> installed);

  const std::vector<const PluginSchema*>& plugins() const { return plugins_; }
  bool has_bare_table(const PluginSchema& plugin) const;
  /// How messages and written configs call the table: "accum" or "accumulation_schedule.accum".
  std::string table_name(const PluginSchema& plugin) const;
  KeyPath table_path(const PluginSchema& plugin) const;

  /// What is written under both tables of the plugin below `parent`; per key the higher level counts, twice at one level is a problem.
  ConfigTree collect(const ConfigTree& tree, const KeyPath& parent, const PluginSchema& plugin, Problems& problems) const;
  /// Removes the plugins' tables below `parent`, and tables of kinds that are empty then. `only_kind` empty = all.
  void remove_all(ConfigTree& tree, const KeyPath& parent, const std::string& only_kind = {}) const;

  /// The host's schema with the plugins' tables in it: closed by the plugins' own schemas, or open so that only the names are checked.
  nlohmann::json whole_schema(bool with_plugin_schemas) const;

  /// Reports top-level tables whose bare name two kinds share, and takes them out.
  void take_ambiguous(ConfigTree& tree, Problems& problems) const;

 private:
  void add_tables(nlohmann::json& table, const PluginSchema& plugin, const nlohmann::json& schema) const;

  std::vector<const PluginSchema*> plugins_;
  std::map<std::string, int> bare_names_;
};

}  // namespace trainhost
