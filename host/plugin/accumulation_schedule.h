// The C table of accumulation schedules as a C++ class: status -> Error, answers checked.
#pragma once
#include <trainhost/accumulation_schedule.h>

#include "plugin/instance.h"

namespace trainhost {

/// Borrowed view of an instance. [train]
class AccumulationSchedule {
 public:
  explicit AccumulationSchedule(Instance& instance);

  /// `last`: the window before, all zeroes before the first. The answer has micro_batch_samples >= 1 and exactly one target. Throws PluginCallError.
  trainhost_window next_window(const trainhost_progress& progress, const trainhost_window& last = {}) const;

  /// A smaller number of samples, at least 1. `attempt` counts from 1. Throws PluginCallError; kOutOfMemory when nothing smaller is left.
  uint64_t out_of_memory(const trainhost_window& failed, uint64_t attempt) const;

 private:
  Instance& instance_;
  trainhost_accumulation_schedule table_;
};

}  // namespace trainhost
