// The C table of precision policies as a C++ class: status -> Error, answers checked.
#pragma once
#include <string_view>

#include <trainhost/precision_policy.h>

#include "plugin/instance.h"

namespace trainhost {

/// Borrowed view of an instance. [main]
class PrecisionPolicy {
 public:
  explicit PrecisionPolicy(Instance& instance);

  /// The plan that a policy starts from: float32 everywhere, no flags, no scaling, PyTorch's scaling constants.
  static trainhost_precision_plan default_plan();

  /// Throws PluginCallError, also for a plan with unknown formats, flags or impossible scaling constants.
  trainhost_precision_plan plan(const trainhost_device_facts& device) const;

  /// Whether it has formats for single layers.
  bool has_layers() const { return layers_.format_of != nullptr; }
  /// `planned` when it has none. role: TRAINHOST_ROLE_*.
  trainhost_dtype format_of(std::string_view layer, int32_t role, trainhost_dtype planned) const;

 private:
  Instance& instance_;
  trainhost_precision_policy table_;
  trainhost_precision_layers layers_{};
};

}  // namespace trainhost
