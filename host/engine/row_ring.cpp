// The ring of window rows.
#include "engine/row_ring.h"

#include <limits>
#include <utility>

namespace trainhost {

void RowRing::push(uint64_t window, const at::Tensor& values) {
  if (!on_host_.defined()) on_host_ = device_.host_tensor({static_cast<int64_t>(num_rows_), values.size(0)}, at::kDouble);
  if (pending_.size() == num_rows_) fetch_oldest();
  const auto slot = static_cast<int64_t>(next_slot_);
  on_host_.select(0, slot).copy_(values, /*non_blocking=*/true);
  const std::shared_ptr<Mark> mark = device_.mark();
  pending_.push_back({window, next_slot_, mark, std::exchange(last_mark_, mark)});
  next_slot_ = (next_slot_ + 1) % num_rows_;
}

std::vector<RowRing::Row> RowRing::until(uint64_t window) {
  while (!pending_.empty() && pending_.front().window <= window) fetch_oldest();
  std::vector<Row> out, later;
  for (Row& row : arrived_) (row.window <= window ? out : later).push_back(std::move(row));
  arrived_ = std::move(later);
  return out;
}

void RowRing::clear() {
  while (!pending_.empty()) fetch_oldest();
  arrived_.clear();
}

void RowRing::fetch_oldest() {
  const Pending& oldest = pending_.front();
  ++num_waits_;
  oldest.mark->wait();
  const at::Tensor row = on_host_.select(0, static_cast<int64_t>(oldest.slot));
  const double* values = row.data_ptr<double>();
  const double seconds = oldest.mark_before ? oldest.mark->seconds_since(*oldest.mark_before) : std::numeric_limits<double>::quiet_NaN();
  arrived_.push_back({oldest.window, {values, values + row.size(0)}, seconds});
  pending_.pop_front();
}

}  // namespace trainhost
