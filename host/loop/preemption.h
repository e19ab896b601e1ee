// Signals that ask a run to end: the first one lets it finish the step and save, the second one ends the process.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace trainhost {

/// Blocks SIGINT, SIGTERM, SIGUSR1 and SIGUSR2 for this thread and all that it starts later, and makes failed writes errors. Call before any plugin file or
/// engine is loaded.
void block_run_signals();

/// For the whole process: a write to a pipe or socket that nobody reads any more, or beyond the limit on the size of files, fails with EPIPE or EFBIG, in the
/// host and in plugins, instead of ending the process by SIGPIPE or SIGXFSZ.
void make_failed_writes_errors();

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
  /// Throws Error(kAborted) once a signal has come.
  void require_none() const;

 private:
  void wait_for_signals();

  std::function<void(const std::string&)> on_first_;
  std::atomic<bool> is_requested_ = false;
  std::atomic<int> signal_ = 0;
  std::atomic<bool> is_ending_ = false;
  std::thread waiter_;
};

/// For commands that save nothing but remove what they made: says so, and leaves it to require_none() to end them.
void announce_abort(const std::string& signal);

/// For commands that have nothing to save or to remove: blocks the signals, and the first one ends the process with exit code 130 for as long as the result lives.
std::unique_ptr<Preemption> abort_on_signal();

}  // namespace trainhost
