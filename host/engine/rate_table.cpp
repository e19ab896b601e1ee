// The ring of learning rates on the device.
#include "engine/rate_table.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>

#include "base/error.h"

namespace trainhost {
namespace {

constexpr uint64_t kSmallestRing = 256;

}  // namespace

bool RateTable::set(uint64_t first_step, std::span<const double> rates) {
  if (rates.empty()) return false;
  const uint64_t end = first_step + rates.size();
  const bool is_apart = first_step > end_ || end < begin_ || begin_ == end_;  // nothing of the old steps joins on
  const uint64_t begin = is_apart ? first_step : std::min(begin_, first_step);
  const bool has_moved = grow(2 * rates.size());
  const auto size = static_cast<uint64_t>(rates_.numel());
  at::Tensor staged = host_tensor_({static_cast<int64_t>(rates.size())}, at::kDouble);
  std::copy(rates.begin(), rates.end(), staged.data_ptr<double>());
  for (uint64_t done = 0; done < rates.size();) {
    const uint64_t slot = (first_step + done) % size;
    const auto run = static_cast<int64_t>(std::min(rates.size() - done, size - slot));
    rates_.narrow(0, static_cast<int64_t>(slot), run).copy_(staged.narrow(0, static_cast<int64_t>(done), run), /*non_blocking=*/true);
    done += static_cast<uint64_t>(run);
  }
  end_ = is_apart ? end : std::max(end_, end);
  begin_ = std::max(begin, end_ > size ? end_ - size : 0);
  return has_moved;
}

// A ring that grows is copied to where its steps belong in the larger one; sizes are powers of two, so a step's slot only gains high bits.
bool RateTable::grow(uint64_t size) {
  const uint64_t wanted = std::bit_ceil(std::max(size, kSmallestRing));
  const uint64_t old_size = rates_.defined() ? static_cast<uint64_t>(rates_.numel()) : 0;
  if (old_size >= wanted) return false;
  const at::Tensor old = rates_;
  rates_ = at::full({static_cast<int64_t>(wanted)}, std::nan(""), at::TensorOptions(at::kDouble).device(device_));
  for (uint64_t copy = 0; old_size && copy < wanted; copy += old_size) rates_.narrow(0, static_cast<int64_t>(copy), static_cast<int64_t>(old_size)).copy_(old);
  return true;
}

void RateTable::check_covers(uint64_t oldest, uint64_t newest) const {
  if (oldest < begin_ || newest >= end_)
    throw Error(ExitCode::kFailure, format("learning rates are set for steps {} to {}, but the next update may be step {} to {}; set them ahead", begin_,
                                           end_ ? end_ - 1 : 0, oldest, newest));
}

}  // namespace trainhost
