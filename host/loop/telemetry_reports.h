// Numbers that plugins tell, and calls of them that take long, become events of the run.
#pragma once
#include "plugin/instance.h"
#include "telemetry/telemetry.h"

namespace trainhost {

class TelemetryReports final : public PluginReports {
 public:
  explicit TelemetryReports(Telemetry& telemetry) : telemetry_(telemetry) {}
  void publish(const std::string& plugin, const std::string& topic, const std::vector<Number>& numbers) override;
  void slow_call(const std::string& plugin, const std::string& function, double seconds) override;

 private:
  Telemetry& telemetry_;
};

}  // namespace trainhost
