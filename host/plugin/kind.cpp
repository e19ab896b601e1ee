// The kinds of architecture section 2, once.
#include "plugin/kind.h"

#include <array>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/nearest.h"

namespace trainhost {

std::span<const PluginKind> plugin_kinds() {
  static constexpr std::array<PluginKind, 10> kinds = {{
      {"precision_policy", "trainhost.precision_policy/1"},
      {"accumulation_schedule", "trainhost.accumulation_schedule/1"},
      {.name = "data_source", .interface_id = "trainhost.data_source/1", .can_decorate = true},
      {.name = "checkpoint_backend", .interface_id = "trainhost.checkpoint_backend/1", .can_decorate = true},
      {.name = "stopping_rule", .interface_id = "trainhost.stopping_rule/1", .allows_many = true},
      {"lr_schedule", "trainhost.lr_schedule/1"},
      {.name = "observer", .interface_id = "trainhost.observer/1", .allows_many = true},
      {.name = "model", .interface_id = "trainhost.torch.model/1", .needs_torch = true},
      {.name = "optimizer", .interface_id = "trainhost.torch.optimizer/1", .needs_torch = true},
      {.name = "op_pack", .interface_id = "trainhost.torch.op_pack/1", .allows_many = true, .needs_torch = true},
  }};
  return kinds;
}

const PluginKind* find_kind(std::string_view name) {
  for (const PluginKind& kind : plugin_kinds())
    if (kind.name == name) return &kind;
  return nullptr;
}

const PluginKind& require_kind(std::string_view name) {
  if (const PluginKind* kind = find_kind(name)) return *kind;
  std::vector<std::string> names;
  for (const PluginKind& kind : plugin_kinds()) names.emplace_back(kind.name);
  throw Error(ExitCode::kPlugin, format("unknown plugin kind \"{}\"{}", name, did_you_mean(name, names)));
}

}  // namespace trainhost
