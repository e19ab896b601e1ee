// How many threads should read: from what a sample costs them and how fast samples are used.
#pragma once
#include <cstdint>
#include <optional>

namespace trainhost {

/// Sums that grow from the first batch on. Seconds may have any origin.
struct ReadingTotals {
  double seconds = 0;         // of the clock
  double waited_seconds = 0;  // of the one who uses the samples, for samples
  uint64_t samples_used = 0;
  double busy_seconds = 0;  // of reading threads, summed over them
  double cpu_seconds = 0;   // of these a core was used
  uint64_t samples_read = 0;
};

/// What was measured and what follows. Threads needed = seconds of a thread that a sample takes / seconds of the run that it takes without waiting.
struct ThreadChoice {
  uint64_t threads = 0, before = 0;
  double thread_seconds = 0, use_seconds = 0;  // a sample
  double needed = 0;                           // threads, without reserve
  uint64_t most = 0;                           // that the cores allow
};

/// Measures periods of a second or more. More threads are there at once; fewer after three periods that all needed fewer.
class ThreadTuner {
 public:
  /// `fixed`: the number, whatever is measured; 0: chosen, beginning with `first`. `cores` of the machine: at least 1.
  ThreadTuner(uint64_t fixed, uint64_t first, uint64_t cores);

  bool is_automatic() const { return is_automatic_; }
  uint64_t threads() const { return threads_; }
  /// Most threads whatever they wait for: one core, and of many an eighth, is left for the thread that trains. Sources that wait more than they compute get more
  /// threads, up to eight times as many.
  uint64_t most() const;

  /// Whether a period is over at this time: only then consider() looks at the sums.
  bool is_due(double seconds) const { return !mark_ || seconds - mark_->seconds >= kPeriodSeconds; }
  /// The choice where it is another number than before.
  std::optional<ThreadChoice> consider(const ReadingTotals& totals);

  static constexpr double kPeriodSeconds = 1, kReserve = 1.25;

 private:
  uint64_t wanted(ThreadChoice& choice) const;

  bool is_automatic_;
  uint64_t threads_, cores_;
  double cpu_share_ = 1;  // of a busy thread, as long as all of them have a core
  std::optional<ReadingTotals> mark_;
  uint64_t num_low_periods_ = 0, most_wanted_low_ = 0;
};

/// What `auto` begins with.
inline constexpr uint64_t kFirstThreads = 2;

/// Cores that this process may use.
uint64_t usable_cores();

}  // namespace trainhost
