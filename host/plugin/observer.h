// The C table of observers as a C++ class: status -> Error.
#pragma once
#include <trainhost/observer.h>

#include "plugin/instance.h"

namespace trainhost {

/// Borrowed view of an instance of any kind. [event]
class Observer {
 public:
  /// Whether the instance has the interface: plugins of other kinds may.
  static bool is_offered(const Instance& instance);
  /// Throws Error(kPlugin) when it has none.
  explicit Observer(Instance& instance);

  /// struct_size of the event and of its progress are set here. Throws PluginCallError.
  void on_event(const trainhost_event& event) const;

  const Instance& instance() const { return instance_; }

 private:
  Instance& instance_;
  trainhost_observer table_;
};

}  // namespace trainhost
