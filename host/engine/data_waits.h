// How long the device stands still for batches: marks in its queue of work, read long after.
#pragma once
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/device.h"

namespace trainhost {

/// Between expect() and arrive() the device has nothing to do but what was enqueued before. No function waits.
class DataWaits {
 public:
  explicit DataWaits(Device& device) : device_(device) {}

  void expect() { open_ = Wait{device_.mark(), nullptr, nullptr}; }
  /// The host has the batch; `order` lets the queue wait for its copy.
  template <class Order>
  void arrive(const Order& order) {
    if (open_) open_->at_hand = device_.mark();
    order();
    if (!open_) return;
    open_->copied = device_.mark();
    waits_.push_back(std::move(*open_));
    open_.reset();
  }
  /// What was seen since the last window belongs to this one.
  void end_window(uint64_t window) { windows_.push_back({window, std::exchange(waits_, {})}); }
  /// It will be tried again, or something else comes first.
  void drop_window() { waits_.clear(), open_.reset(); }

  struct Seconds {
    double late = std::numeric_limits<double>::quiet_NaN(), copy = late;  // before the host had the batch; from then until it was copied
  };
  /// Of a window whose work the device has done; those before it are forgotten.
  Seconds take(uint64_t window);

 private:
  struct Wait {
    std::unique_ptr<Mark> expected, at_hand, copied;
  };
  struct Window {
    uint64_t number;
    std::vector<Wait> waits;
  };

  Device& device_;
  std::optional<Wait> open_;
  std::vector<Wait> waits_;
  std::deque<Window> windows_;
};

}  // namespace trainhost
