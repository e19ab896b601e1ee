// Which calls let the training thread wait: those of a second or more, each said once, and again only when it gets much worse.
#pragma once
#include <algorithm>

#include "base/clock.h"

namespace trainhost {

/// Of one instance. [train]
class SlowCalls {
 public:
  static constexpr double kSlowSeconds = 1;  // a thousand times what an answer should take

  explicit SlowCalls(Clock clock = monotonic_seconds) : clock_(clock) {}

  void begin() { started_ = clock_(), paused_ = 0; }
  /// The host works within the call, between these two.
  void pause() { pause_started_ = clock_(); }
  void go_on() { paused_ += clock_() - pause_started_; }

  /// How long the call took, when that should be said; else 0.
  double end() {
    const double seconds = clock_() - started_ - paused_;
    if (seconds < std::max(kSlowSeconds, 2 * longest_said_)) return 0;
    return longest_said_ = seconds;
  }

 private:
  Clock clock_;
  double started_ = 0, pause_started_ = 0, paused_ = 0, longest_said_ = 0;
};

}  // namespace trainhost
