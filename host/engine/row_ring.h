// The values of each window on their way from the device to the host, without anybody waiting.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "engine/device.h"

namespace trainhost {

/// Rows are copied to a ring in host memory behind the window's work; a mark a row says when it has arrived.
class RowRing {
 public:
  RowRing(Device& device, uint64_t num_rows) : device_(device), num_rows_(num_rows < 1 ? 1 : num_rows) {}

  struct Row {
    uint64_t window = 0;
    std::vector<double> values;
    double seconds = 0;  // of the device, since the end of the row before; NaN: there is none, or it was interrupted
  };
  /// Appends the window's values, float64, 1-dim, always of one size. No host wait unless the ring is full of rows that nobody fetched.
  void push(uint64_t window, const at::Tensor& values);
  /// Rows of windows <= `window` that were not handed out, oldest first. Waits for these windows only.
  std::vector<Row> until(uint64_t window);
  void clear();  // forgets what was not handed out
  /// Something else runs on the device now: the next row has no time.
  void interrupt() { last_mark_.reset(); }

  uint64_t num_waits() const { return num_waits_; }
  bool is_empty() const { return pending_.empty() && arrived_.empty(); }

 private:
  struct Pending {
    uint64_t window, slot;
    std::shared_ptr<Mark> mark, mark_before;  // the latter may be null
  };
  void fetch_oldest();

  Device& device_;
  uint64_t num_rows_, next_slot_ = 0, num_waits_ = 0;
  at::Tensor on_host_;  // [num_rows, values]
  std::shared_ptr<Mark> last_mark_;
  std::deque<Pending> pending_;
  std::vector<Row> arrived_;
};

}  // namespace trainhost
