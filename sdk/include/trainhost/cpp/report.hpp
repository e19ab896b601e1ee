// Numbers that a plugin tells while a run goes on; what the call means: trainhost/report.h. Include it beside plugin.hpp.
#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

#include "trainhost/cpp/host.hpp"
#include "trainhost/report.h"

namespace trainhost::inline sdk {

struct ReportedNumber {
  std::string_view name;
  double value;
};

// Where the host has no such service, nobody hears it.
inline void report(const Host& host, std::string_view topic, std::initializer_list<ReportedNumber> numbers) {
  const auto* service = host.service<trainhost_report>(TRAINHOST_REPORT);
  if (!service) return;
  std::vector<trainhost_string> names;
  std::vector<double> values;
  for (const ReportedNumber& number : numbers) names.push_back(c_string(number.name)), values.push_back(number.value);
  service->publish(host.c_host(), c_string(topic), names.data(), values.data(), names.size());
}

}  // namespace trainhost::inline sdk
