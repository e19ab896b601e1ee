// Observers, each on a thread of its own behind a bounded queue: a slow one loses events, never slows the run.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <trainhost/observer.h>

#include "telemetry/event.h"

namespace trainhost {

/// Takes events one at a time, in order, on one thread. Throws when it cannot; three throws in a row mute it.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual std::string name() const = 0;  // "observer/csvlog"
  virtual void on_event(const Event& event) = 0;
};

/// Calls `call` with the event in the form of the ABI; all that it points to lives during the call.
void with_c_event(const Event& event, const std::function<void(const trainhost_event&)>& call);

struct ObserverReport {
  std::string name;
  uint64_t num_delivered = 0, num_dropped = 0, num_failed = 0;
  bool is_muted = false;
  bool is_stuck = false;  // still inside on_event() when the time for stopping was over
  std::string last_error;
};

/// add() everything, then publish(), then stop() once. [main] and [train]: one thread. Nothing here waits for an observer but stop().
class Observers {
 public:
  explicit Observers(size_t queue_capacity = 1024) : queue_capacity_(queue_capacity) {}
  ~Observers();  // stops, if nobody did
  Observers(const Observers&) = delete;
  Observers& operator=(const Observers&) = delete;

  /// Starts its thread.
  void add(std::unique_ptr<EventSink> sink);
  /// A full queue drops the event, and counts; run_end always finds room.
  void publish(std::shared_ptr<const Event> event);
  /// Lets each one finish what is queued, at most `grace_seconds` together; what is left then counts as dropped, and the stuck thread is left alone with
  /// its sink: the plugin behind a report with is_stuck must be neither stopped nor destroyed.
  std::vector<ObserverReport> stop(double grace_seconds = 10);

 private:
  struct Worker;
  size_t queue_capacity_;
  std::vector<std::shared_ptr<Worker>> workers_;
};

}  // namespace trainhost
