// The C table of stopping rules as a C++ class: status -> Error, answers checked.
#pragma once
#include <span>
#include <string>

#include <trainhost/stopping_rule.h>

#include "plugin/instance.h"

namespace trainhost {

struct Verdict {
  int32_t stop = TRAINHOST_STOP_NO;  // one of the four
  bool restore_best = false;
  std::string reason;  // not empty unless STOP_NO
};

/// Borrowed view of an instance. [train]
class StoppingRule {
 public:
  explicit StoppingRule(Instance& instance);

  /// An unknown stop value counts as DONE. Throws PluginCallError, also for a reason that is missing, too long or not UTF-8.
  Verdict check(const trainhost_progress& progress, std::span<const trainhost_metric> metrics) const;

  const Instance& instance() const { return instance_; }

 private:
  Instance& instance_;
  trainhost_stopping_rule table_;
};

}  // namespace trainhost
