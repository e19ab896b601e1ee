// Differences between marks.
#include "engine/data_waits.h"

namespace trainhost {

DataWaits::Seconds DataWaits::take(uint64_t window) {
  while (!windows_.empty() && windows_.front().number < window) windows_.pop_front();
  Seconds seconds;
  if (windows_.empty() || windows_.front().number != window) return seconds;
  if (!windows_.front().waits.empty()) seconds = {0, 0};
  for (const Wait& wait : windows_.front().waits) {
    seconds.late += wait.at_hand->seconds_since(*wait.expected);
    seconds.copy += wait.copied->seconds_since(*wait.at_hand);
  }
  windows_.pop_front();
  return seconds;
}

}  // namespace trainhost
