// One event and its metrics.
#include "loop/telemetry_reports.h"

#include <cmath>
#include <limits>

#include <trainhost/format.hpp>

namespace trainhost {

void TelemetryReports::publish(const std::string& plugin, const std::string& topic, const std::vector<Number>& numbers) {
  Event event;
  event.name = "plugin";
  nlohmann::ordered_json values = nlohmann::ordered_json::object();
  for (const auto& [name, value] : numbers) {
    values[name] = std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
    event.metrics.push_back({format("{}/{}/{}", plugin, topic, name), "", value, std::numeric_limits<double>::quiet_NaN(), 0, TRAINHOST_METRIC_SYSTEM});
  }
  event.details = {{"plugin", plugin}, {"topic", topic}, {"values", std::move(values)}};
  telemetry_.publish(std::move(event));
}

void TelemetryReports::slow_call(const std::string& plugin, const std::string& function, double seconds) {
  telemetry_.publish(slow_call_event(plugin, function, seconds));
}

}  // namespace trainhost
