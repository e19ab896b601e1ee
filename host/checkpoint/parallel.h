// Work that is spread over a few threads.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace trainhost {

/// Calls work(index, worker) for every index below `count`. The first exception ends it and is thrown.
template <class Work>
void run_parallel(uint64_t count, unsigned num_threads, const Work& work) {
  std::atomic<uint64_t> next{0};
  std::exception_ptr failure;
  std::mutex mutex;
  const auto drain = [&](unsigned worker) {
    try {
      for (uint64_t index; (index = next++) < count;) work(index, worker);
    } catch (...) {
      next = count;
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (unsigned worker = 1; worker < std::min<uint64_t>(num_threads, count); ++worker) threads.emplace_back(drain, worker);
    drain(0);
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace trainhost
