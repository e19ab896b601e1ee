// The C table of learning-rate schedules as a C++ class: status -> Error, answers checked.
#pragma once
#include <span>
#include <vector>

#include <trainhost/lr_schedule.h>

#include "plugin/instance.h"

namespace trainhost {

/// Borrowed view of an instance. [train]
class LrSchedule {
 public:
  explicit LrSchedule(Instance& instance);

  /// Whether factors may change through update().
  bool has_update() const { return table_.update != nullptr; }
  /// True: factors answers differently from now on. False at once without has_update(). Throws PluginCallError.
  bool update(const trainhost_progress& progress, std::span<const trainhost_metric> metrics) const;

  /// Factors of steps at.step + i, one for each fraction (NaN: no length is known). Finite and >= 0. Throws PluginCallError.
  std::vector<double> factors(const trainhost_progress& at, std::span<const double> fractions) const;

 private:
  Instance& instance_;
  trainhost_lr_schedule table_;
};

}  // namespace trainhost
