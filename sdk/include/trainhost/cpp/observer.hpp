// Observers in C++; what the calls mean: trainhost/observer.h.
#pragma once

#include "trainhost/cpp/instance.hpp"
#include "trainhost/cpp/progress.hpp"
#include "trainhost/observer.h"

namespace trainhost::inline sdk {

// One event of the run. Everything ends with the call.
struct Event {
  std::string_view name, details_json;
  std::int64_t unix_ns;
  const Progress* progress;  // nullptr before the first window
  std::span<const Metric> metrics;
};

// What an observer does; a plugin of another kind may derive from it beside its kind's class. [event]
class ObservesEvents {
 public:
  virtual ~ObservesEvents() = default;
  virtual void on_event(const Event& event) = 0;

  static const void* table() { return &kTable; }

 private:
  static trainhost_status c_on_event(trainhost_instance* instance, const trainhost_event* c_event, trainhost_error* error) noexcept {
    return detail::guard(error, [&] {
      const trainhost_event event = detail::read_struct(c_event);
      const Progress progress = event.progress ? Progress(event.progress) : Progress();
      const std::vector<Metric> metrics = detail::metrics(event.metrics, event.num_metrics);
      detail::beside<ObservesEvents>(instance).on_event(
          {view(event.name), view(event.details_json), event.unix_ns, event.progress ? &progress : nullptr, metrics});
    });
  }
  static constexpr trainhost_observer kTable{sizeof(trainhost_observer), 0, &c_on_event};
};

class Observer : public Plugin, public ObservesEvents {
 public:
  static constexpr std::string_view kKind = "observer";
};

}  // namespace trainhost::inline sdk
