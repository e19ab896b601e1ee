// Calls across the plugin boundary: the error they throw, the time they may take.
#pragma once
#include <atomic>
#include <cstdint>
#include <string>

#include <trainhost/types.h>

#include "base/error.h"

namespace trainhost {

/// "UNAVAILABLE"; a value that is not known is "UNKNOWN (99)".
std::string status_name(trainhost_status status);

/// A plugin's function failed, threw, or answered nonsense. Message: "kind/name: call: STATUS: the plugin's words".
class PluginCallError : public Error {
 public:
  PluginCallError(ExitCode code, std::string plugin, trainhost_status status, const std::string& message)
      : Error(code, message), plugin_(std::move(plugin)), status_(status) {}
  const std::string& plugin() const { return plugin_; }  // "kind/name"
  trainhost_status status() const { return status_; }    // a broken promise of the plugin is TRAINHOST_INTERNAL
  bool is_retryable() const { return status_ == TRAINHOST_UNAVAILABLE; }

 private:
  std::string plugin_;
  trainhost_status status_;
};

/// While it lives, plugins that are called on this thread see the deadline and the request to give up (service trainhost.call/1). Nests: the inner wins.
class CallLimit {
 public:
  /// `is_cancelled` is borrowed, may be null. deadline_ns: CLOCK_MONOTONIC, 0 = none.
  explicit CallLimit(const std::atomic<bool>* is_cancelled, int64_t deadline_ns = 0);
  ~CallLimit();
  CallLimit(const CallLimit&) = delete;
  CallLimit& operator=(const CallLimit&) = delete;

  /// What holds for the calling thread: what the service answers.
  static bool is_cancelled();
  static int64_t deadline_ns();

 private:
  const std::atomic<bool>* outer_cancelled_;
  int64_t outer_deadline_ns_;
};

}  // namespace trainhost
