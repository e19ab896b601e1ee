// Numbers that plugins tell become events of the run.
#pragma once
#include "plugin/instance.h"
#include "telemetry/telemetry.h"

namespace trainhost {

class TelemetryReports final : public PluginReports {
 public:
  explicit TelemetryReports(Telemetry& telemetry) : telemetry_(telemetry) {}
  void publish(const std::string& plugin, const std::string& topic, const std::vector<Number>& numbers) override;

 private:
  Telemetry& telemetry_;
};

}  // namespace trainhost
