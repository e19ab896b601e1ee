// A plugin's observer interface as a sink for events.
#pragma once
#include <string>

#include "plugin/observer.h"
#include "telemetry/observers.h"

namespace trainhost {

/// The instance is borrowed; it must outlive the sink, and a stuck sink outlives everything (ObserverReport::is_stuck).
class PluginObserver final : public EventSink {
 public:
  PluginObserver(std::string name, Instance& instance) : name_(std::move(name)), observer_(instance) {}

  std::string name() const override { return name_; }
  void on_event(const Event& event) override {
    with_c_event(event, [this](const trainhost_event& c_event) { observer_.on_event(c_event); });
  }

 private:
  std::string name_;
  Observer observer_;
};

}  // namespace trainhost
