// The one place that a run's events go through: log.jsonl, observers, and the few that people see.
#pragma once
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "telemetry/event.h"
#include "telemetry/observers.h"
#include "telemetry/run_log.h"

namespace trainhost {

class Telemetry {
 public:
  /// No log: a run that leaves nothing behind (--dry-run).
  explicit Telemetry(std::unique_ptr<RunLog> log, size_t queue_capacity = 1024) : log_(std::move(log)), observers_(queue_capacity) {}

  void add_observer(std::unique_ptr<EventSink> sink) { observers_.add(std::move(sink)); }

  /// [any] until run_end; later events are lost. Writes the event to log.jsonl, hands it to the observers, and says what people should know (skipped, rolled_back, stalled, ...) as a log line.
  void publish(Event event);

  /// After run_end. Stops the observers and reports, as warnings, what was dropped, muted or could not be written.
  std::vector<ObserverReport> stop(double grace_seconds = 10);

  const RunLog* log() const { return log_.get(); }

 private:
  std::unique_ptr<RunLog> log_;
  Observers observers_;
  std::mutex mutex_;  // one event at a time
  bool has_ended_ = false;
};

/// The line for people of an event; empty for those that they do not see or that Console shows.
std::string event_text(const Event& event);

}  // namespace trainhost
