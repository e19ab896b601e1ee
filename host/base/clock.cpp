// CLOCK_MONOTONIC and wall-clock text.
#include "base/clock.h"

#include <time.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include <trainhost/format.hpp>

namespace trainhost {
namespace {

double read_clock(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

double monotonic_seconds() { return read_clock(CLOCK_MONOTONIC); }

int64_t unix_nanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

std::string utc_timestamp(int64_t unix_ns) {
  const int64_t milliseconds = unix_ns / 1'000'000 - (unix_ns % 1'000'000 < 0 ? 1 : 0);
  const time_t seconds = milliseconds / 1000 - (milliseconds % 1000 < 0 ? 1 : 0);
  tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  char whole[48];
  snprintf(whole, sizeof whole, "%s.%03dZ", text, static_cast<int>(milliseconds - seconds * 1000));
  return whole;
}

double process_start_seconds() {
  // Field 22 of /proc/self/stat: start in clock ticks since boot (proc(5)); CLOCK_BOOTTIME has the same origin.
  std::ifstream in("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(in)), {});
  const size_t end_of_name = text.rfind(')');
  if (end_of_name == std::string::npos) return monotonic_seconds();
  std::istringstream fields(text.substr(end_of_name + 1));
  std::string field;
  for (int i = 3; i <= 22; ++i) fields >> field;
  const double age = read_clock(CLOCK_BOOTTIME) - std::stod(field) / static_cast<double>(sysconf(_SC_CLK_TCK));
  return monotonic_seconds() - std::fmax(age, 0.0);
}

std::string human_seconds(double seconds) {
  if (!std::isfinite(seconds)) return "?";
  // The limits are those of rounding: nothing is shown as 1000ms, 60.0s or 60m.
  if (seconds < 0.9995) return format("{:.0f}ms", std::fmax(seconds, 0.0) * 1000);
  if (seconds < 59.95) return format("{:.1f}s", seconds);
  const auto whole = static_cast<long long>(seconds + 0.5);
  if (whole < 3600) return format("{}m{:02}s", whole / 60, whole % 60);
  return format("{}h{:02}m", whole / 3600, whole / 60 % 60);
}

}  // namespace trainhost
