// Time, as values that tests can replace.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

namespace trainhost {

/// Monotonic seconds; the origin is arbitrary. A test passes its own.
using Clock = std::function<double()>;
double monotonic_seconds();

int64_t unix_nanoseconds();

/// "2026-11-22T18:47:30.950Z"
std::string utc_timestamp(int64_t unix_ns);

/// Monotonic reading at which this process was started by the kernel, so that loading is part of start-up.
double process_start_seconds();

/// "1h02m", "3m07s", "12.4s", for people.
std::string human_seconds(double seconds);

}  // namespace trainhost
