// Arithmetic over one period at a time.
#include "data/thread_tuner.h"

#include <algorithm>
#include <cmath>
#include <thread>

namespace trainhost {
namespace {

constexpr uint64_t kMostThreads = 256, kLowPeriods = 3;
constexpr double kLeastCpuShare = 1.0 / 8;

uint64_t cores_for_reading(uint64_t cores) { return std::max<uint64_t>(1, cores - std::min(cores, std::max<uint64_t>(1, cores / 8))); }

}  // namespace

ThreadTuner::ThreadTuner(uint64_t fixed, uint64_t first, uint64_t cores) : is_automatic_(fixed == 0), threads_(fixed), cores_(std::max<uint64_t>(cores, 1)) {
  if (is_automatic_) threads_ = std::clamp<uint64_t>(first, 1, most());
}

uint64_t ThreadTuner::most() const {
  const double share = std::clamp(cpu_share_, kLeastCpuShare, 1.0);
  return std::min(kMostThreads, static_cast<uint64_t>(static_cast<double>(cores_for_reading(cores_)) / share));
}

std::optional<ThreadChoice> ThreadTuner::consider(const ReadingTotals& totals) {
  if (!is_automatic_ || !is_due(totals.seconds)) return std::nullopt;
  if (!mark_) {
    mark_ = totals;
    return std::nullopt;
  }
  const uint64_t used = totals.samples_used - mark_->samples_used, read = totals.samples_read - mark_->samples_read;
  if (used == 0 || read == 0) return std::nullopt;  // the period goes on
  const double busy = totals.busy_seconds - mark_->busy_seconds, cpu = totals.cpu_seconds - mark_->cpu_seconds;
  const double using_it = std::max(0.0, totals.seconds - mark_->seconds - (totals.waited_seconds - mark_->waited_seconds));
  mark_ = totals;
  // With more threads than cores they wait for cores, which more of them would not mend.
  if (busy > 0 && threads_ <= cores_for_reading(cores_)) cpu_share_ = cpu / busy;

  ThreadChoice choice{threads_, threads_, busy / static_cast<double>(read), using_it / static_cast<double>(used), 0, most()};
  const uint64_t number = wanted(choice);
  if (number >= threads_) num_low_periods_ = most_wanted_low_ = 0;
  if (number < threads_) {
    most_wanted_low_ = std::max(most_wanted_low_, number);
    if (++num_low_periods_ < kLowPeriods) return std::nullopt;
    threads_ = most_wanted_low_;
    num_low_periods_ = most_wanted_low_ = 0;
  }
  threads_ = std::max(threads_, number);
  choice.threads = threads_;
  return choice.threads == choice.before ? std::nullopt : std::optional(choice);
}

uint64_t ThreadTuner::wanted(ThreadChoice& choice) const {
  const double most = static_cast<double>(choice.most);
  choice.needed = choice.use_seconds > 0 ? choice.thread_seconds / choice.use_seconds : most;
  return static_cast<uint64_t>(std::clamp(std::ceil(choice.needed * kReserve), 1.0, most));
}

uint64_t usable_cores() { return std::max(1u, std::thread::hardware_concurrency()); }

}  // namespace trainhost
