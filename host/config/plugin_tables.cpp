// Bare and qualified tables of plugins.
#include "config/plugin_tables.h"

#include <algorithm>

#include "base/error.h"
#include "config/host_keys.h"

namespace trainhost {
namespace {

using nlohmann::json;

const std::string kSourceKind = "data_source";  // the kind whose tables evaluation sets and parts of a mixture may hold

KeyPath joined(KeyPath path, std::initializer_list<std::string> parts) {
  path.insert(path.end(), parts);
  return path;
}

bool is_host_key(const std::string& table, const std::string& name) {
  const json& top = host_schema()["properties"];
  if (table.empty()) return top.contains(name);
  return top.contains(table) && top[table].value("properties", json::object()).contains(name);
}

// A partial table asks for nothing and fills in nothing.
json partial(json schema) {
  schema.erase("required");
  schema.erase("default");
  if (schema.contains("properties"))
    for (auto& [unused, child] : schema["properties"].items()) child = partial(std::move(child));
  return schema;
}

}  // namespace

PluginTables::PluginTables(std::span<const PluginSchema> installed) {
  for (const PluginSchema& plugin : installed) {
    const auto is_twin = [&](const PluginSchema* other) { return other->kind == plugin.kind && other->name == plugin.name; };
    if (const auto twin = std::find_if(plugins_.begin(), plugins_.end(), is_twin); twin != plugins_.end()) {
      if (plugin.is_chosen && !(*twin)->is_chosen) *twin = &plugin;
      continue;
    }
    if (is_host_key(plugin.kind, plugin.name))
      throw Error(ExitCode::kPlugin, format("{}/{}: the name is taken by the host's key {}.{}; the plugin needs another name", plugin.kind, plugin.name,
                                            plugin.kind, plugin.name));
    plugins_.push_back(&plugin);
    ++bare_names_[plugin.name];
  }
  for (const PluginSchema* plugin : plugins_) ++bare_names_[plugin->kind];  // [model] is the kind's table, whatever a plugin is called
}

bool PluginTables::has_bare_table(const PluginSchema& plugin) const { return bare_names_.at(plugin.name) == 1 && !is_host_key("", plugin.name); }

KeyPath PluginTables::table_path(const PluginSchema& plugin) const { return has_bare_table(plugin) ? KeyPath{plugin.name} : KeyPath{plugin.kind, plugin.name}; }

std::string PluginTables::table_name(const PluginSchema& plugin) const { return key_text(table_path(plugin)); }

ConfigTree PluginTables::collect(const ConfigTree& tree, const KeyPath& parent, const PluginSchema& plugin, Problems& problems) const {
  const KeyPath bare = joined(parent, {plugin.name}), qualified = joined(parent, {plugin.kind, plugin.name});
  const bool has_bare = has_bare_table(plugin) && tree.find(bare), has_qualified = tree.find(qualified);
  if (!has_bare && !has_qualified) return ConfigTree(tree.origin({"plugins"}));
  ConfigTree table = tree.subtree(has_qualified ? qualified : bare);
  if (!has_bare || !has_qualified) return table;
  const ConfigTree other = tree.subtree(bare);
  for (const KeyPath& leaf : other.leaves()) {
    const Origin mine = table.origin(leaf), theirs = other.origin(leaf);
    const bool is_twice = table.find(leaf) != nullptr;
    if (is_twice && mine.level == theirs.level)
      problems.add(format("{}: {} is set twice, as {} too ({}); leave one out", theirs.text, key_text(joined(bare, {key_text(leaf)})),
                          key_text(qualified) + "." + key_text(leaf), mine.text));
    if (!is_twice || mine.level < theirs.level) table.set(leaf, *other.find(leaf), theirs);
  }
  return table;
}

void PluginTables::remove_all(ConfigTree& tree, const KeyPath& parent, const std::string& only_kind) const {
  for (const PluginSchema* plugin : plugins_) {
    if (!only_kind.empty() && plugin->kind != only_kind) continue;
    if (has_bare_table(*plugin)) tree.erase(joined(parent, {plugin->name}));
    tree.erase(joined(parent, {plugin->kind, plugin->name}));
    const KeyPath kind = joined(parent, {plugin->kind});
    if (const json* table = tree.find(kind); table && table->is_object() && table->empty()) tree.erase(kind);
  }
}

void PluginTables::add_tables(json& table, const PluginSchema& plugin, const json& schema) const {
  if (has_bare_table(plugin)) table["properties"][plugin.name] = schema;
  json& kind = table["properties"][plugin.kind];
  if (kind.is_null()) kind = {{"type", "object"}, {"additionalProperties", false}};
  kind["properties"][plugin.name] = schema;
}

json PluginTables::whole_schema(bool with_plugin_schemas) const {
  json whole = host_schema();
  for (const PluginSchema* plugin : plugins_) {
    json schema = with_plugin_schemas ? *plugin->schema : json{{"type", "object"}};
    schema["type"] = "object";
    add_tables(whole, *plugin, schema);
    if (plugin->kind != kSourceKind) continue;
    add_tables(whole["properties"]["evaluation"]["additionalProperties"], *plugin, partial(schema));
    add_tables(whole["properties"]["data"]["properties"]["mixture"]["additionalProperties"], *plugin, partial(schema));
  }
  return whole;
}

void PluginTables::take_ambiguous(ConfigTree& tree, Problems& problems) const {
  for (const auto& [name, count] : bare_names_) {
    std::string candidates;
    for (const PluginSchema* plugin : plugins_)
      if (plugin->name == name) candidates += format("{}[{}.{}]", candidates.empty() ? "" : " or ", plugin->kind, plugin->name);
    const bool is_kind = std::any_of(plugins_.begin(), plugins_.end(), [&](const PluginSchema* plugin) { return plugin->kind == name; });
    if (count < 2 || is_kind || is_host_key("", name) || !tree.find({name})) continue;
    problems.add(format("{}: [{}] is the name of {} plugins; write {}", tree.origin({name}).text, name, count, candidates));
    tree.erase({name});
  }
}

}  // namespace trainhost
