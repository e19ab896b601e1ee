// Nanoseconds a call, for the programs that measure the plugin boundary.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace trainhost {

inline constexpr int kRepeats = 21;
inline constexpr double kBatchNs = 5e6;  // long enough for the clock, short enough to fall between two turns of the scheduler

template <class Call>
double time_batch(const Call& call, uint64_t count) {
  const auto start = std::chrono::steady_clock::now();
  for (uint64_t i = 0; i < count; ++i) call();
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
}

// Nanoseconds a call, of each repeat, sorted. The first batches, which find out how many calls fill one, are not counted.
template <class Call>
std::vector<double> measure(const Call& call) {
  uint64_t count = 64;
  while (time_batch(call, count) < kBatchNs) count *= 2;
  std::vector<double> ns;
  for (int i = 0; i < kRepeats; ++i) ns.push_back(time_batch(call, count) / static_cast<double>(count));
  std::sort(ns.begin(), ns.end());
  return ns;
}

// One JSON line. peer_ns: the median of a plain call of the same function.
inline void print(const std::string& kind, const char* function, const char* way, const std::vector<double>& ns, double peer_ns) {
  std::cout << nlohmann::ordered_json{{"case", "call"},          {"kind", kind},      {"function", function}, {"way", way},
                                      {"ns", ns[ns.size() / 2]}, {"min", ns.front()}, {"max", ns.back()},     {"over_peer_ns", ns[ns.size() / 2] - peer_ns}}
                   .dump()
            << std::endl;
}

}  // namespace trainhost
