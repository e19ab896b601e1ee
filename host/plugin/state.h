// Plugin state, saved into checkpoints and given back on resume.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include <trainhost/state.h>

#include "plugin/instance.h"

namespace trainhost {

/// trainhost.state/1 of any instance; borrowed.
class State {
 public:
  static constexpr size_t kMaxBytes = size_t{16} << 20;

  /// Whether the instance has the interface.
  static bool is_offered(const Instance& instance);
  /// Throws Error(kPlugin) when it has none.
  explicit State(Instance& instance);

  /// Throws PluginCallError; RESOURCE_EXHAUSTED beyond kMaxBytes. [train]
  std::string save() const;
  /// Before start. All or nothing. Throws PluginCallError: kCheckpointUnreadable for DATA_LOSS, kConfig for FAILED_PRECONDITION. [main]
  void load(std::string_view saved_by_version, std::string_view bytes) const;

 private:
  Instance& instance_;
  trainhost_state table_;
};

}  // namespace trainhost
