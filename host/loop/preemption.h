// Signals that ask a run to end: the first one lets it finish the step and save, the second one ends the process.
#pragma once
#include <atomic>
#include <functional>
#include <string>
#include <thread>

namespace trainhost {

/// Blocks SIGINT, SIGTERM, SIGUSR1 and SIGUSR2 for this thread and all that it starts later. Call before any plugin file or engine is loaded.
void block_run_signals();

/// Waits for the signals on a thread of its own, from construction to destruction.
class Preemption {
 public:
  /// `on_first` is called once, on the waiting thread, with the first signal's name: it may only set flags and wake waiters.
  explicit Preemption(std::function<void(const std::string&)> on_first);
  ~Preemption();
  Preemption(const Preemption&) = delete;
  Preemption& operator=(const Preemption&) = delete;

  /// [any]
  bool is_requested() const { return is_requested_; }
  /// Name of the first signal, e.g. "SIGTERM"; empty before. [train]
  std::string signal_name() const;

 private:
  void wait_for_signals();

  std::function<void(const std::string&)> on_first_;
  std::atomic<bool> is_requested_ = false;
  std::atomic<int> signal_ = 0;
  std::atomic<bool> is_ending_ = false;
  std::thread waiter_;
};

}  // namespace trainhost
