// From the names in `plugins`, `decorators` and --plugins to the plugins they mean; the catalog is passed in.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/tree.h"

namespace trainhost {

/// What the catalog says of one installed plugin. `file` is the plugin file, whose path may be written instead of a name.
struct KnownPlugin {
  std::string kind, name;
  uint32_t decorates = 0;    // upstreams that it wraps; 0 = no decorator
  bool allows_many = false;  // the kind does
  std::string file = {};

  std::string full_name() const { return kind + "/" + name; }
  bool is(const KnownPlugin& other) const { return kind == other.kind && name == other.name; }
};

/// The plugin that `word` means: a bare name (must be unambiguous), kind/name, or the path of a file (must hold one plugin).
/// Throws Error(kPlugin) beginning with `place`, with the nearest name or the candidates.
const KnownPlugin& find_plugin(std::string_view word, std::span<const KnownPlugin> known, std::string_view place);

/// The names as they stand in a config.
struct PluginLists {
  std::vector<std::string> plugins, data_decorators, checkpoint_decorators;
  bool operator==(const PluginLists&) const = default;
};
PluginLists plugin_lists(const ConfigTree& tree);

/// --plugins a,b,-c, split at commas: replaces the plugin of the same kind where the kind allows one, adds where it allows many, wraps where it is a decorator,
/// `-name` removes.
PluginLists edit_plugins(PluginLists lists, std::span<const std::string> edits, std::span<const KnownPlugin> known);
/// The same on a tree: changed lists get the origin "flag --plugins ...".
void apply_plugins_flag(ConfigTree& tree, std::span<const std::string> edits, std::span<const KnownPlugin> known);

/// `op_pack.order` may name op packs that are not chosen, so that one can be left out by --plugins alone.
/// The chosen plugins: those of `plugins` in their order, then the decorators of each kind, innermost first ([data] and [checkpoint] before `plugins`). Two
/// of a kind that allows one are refused, unless a decorator of the kind takes several. Throws Error(kConfig) or Error(kPlugin) with the place of the list.
std::vector<KnownPlugin> select_plugins(const ConfigTree& tree, std::span<const KnownPlugin> known);

/// Throws Error(kConfig) that names the installed candidates when a kind of `kinds` has no chosen plugin.
void require_kinds(std::span<const std::string> kinds, std::span<const KnownPlugin> chosen, std::span<const KnownPlugin> known);

}  // namespace trainhost
