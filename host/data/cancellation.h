// A request to give up that plugins can see (an atomic flag) and that waiting threads wake up for.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace trainhost {

/// All functions [any]. Cannot be taken back.
class Cancellation {
 public:
  void request() {
    const std::lock_guard lock(mutex_);
    is_requested_ = true;
    changed_.notify_all();
  }

  const std::atomic<bool>& is_requested() const { return is_requested_; }

  /// False: the time is over. True: cancelled, at once.
  bool wait_for(std::chrono::duration<double> time) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, time, [&] { return is_requested_.load(); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> is_requested_ = false;
};

}  // namespace trainhost
