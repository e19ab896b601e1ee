// How slow it is: a wait before each call, and one line that all bytes go through.
#pragma once
#include <chrono>
#include <cstdint>
#include <mutex>

#include <trainhost/cpp/host.hpp>

namespace faultckpt {

class Pace {
 public:
  Pace(double latency_ms, std::uint64_t bytes_per_second) : latency_(latency_ms / 1000), bytes_per_second_(bytes_per_second) {}

  /// Returns when a call of so many bytes would be through. Throws CANCELLED, DEADLINE_EXCEEDED.
  void wait(const trainhost::Host& host, std::uint64_t bytes);

 private:
  using Clock = std::chrono::steady_clock;
  std::chrono::duration<double> latency_;
  std::uint64_t bytes_per_second_;
  std::mutex mutex_;
  Clock::time_point line_is_free_{};
};

}  // namespace faultckpt
