// The table of plugin kinds: the only list of them in the host.
#pragma once
#include <span>
#include <string_view>

namespace trainhost {

struct PluginKind {
  std::string_view name;
  std::string_view interface_id;  // the table that every plugin of the kind must have
  bool allows_many = false;       // else choosing a second one replaces the first
  bool can_decorate = false;      // plugins of this kind may wrap others of it
  bool needs_torch = false;       // tier T2: the interface is C++ against one LibTorch build
};

/// All kinds, in the order of the documentation.
std::span<const PluginKind> plugin_kinds();

/// nullptr: no such kind.
const PluginKind* find_kind(std::string_view name);

/// Throws Error(kPlugin) with the nearest name.
const PluginKind& require_kind(std::string_view name);

}  // namespace trainhost
