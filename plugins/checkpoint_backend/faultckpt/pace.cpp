// Waits in small steps, so that a cancelled call ends.
#include "pace.h"

#include <algorithm>
#include <thread>

namespace faultckpt {

void Pace::wait(const trainhost::Host& host, std::uint64_t bytes) {
  Clock::time_point until = Clock::now() + std::chrono::duration_cast<Clock::duration>(latency_);
  if (bytes_per_second_ > 0) {
    const std::chrono::duration<double> transfer(static_cast<double>(bytes) / static_cast<double>(bytes_per_second_));
    const std::lock_guard lock(mutex_);
    line_is_free_ = std::max(line_is_free_, until) + std::chrono::duration_cast<Clock::duration>(transfer);
    until = line_is_free_;
  }
  while (Clock::now() < until) {
    host.throw_if_cancelled();
    const std::int64_t deadline = host.deadline_ns();
    if (deadline != 0 && Clock::now().time_since_epoch() > std::chrono::nanoseconds(deadline))
      throw trainhost::PluginError(TRAINHOST_DEADLINE_EXCEEDED, "the call was slow on purpose and its deadline has passed");
    std::this_thread::sleep_for(std::min<Clock::duration>(until - Clock::now(), std::chrono::milliseconds(20)));
  }
}

}  // namespace faultckpt
