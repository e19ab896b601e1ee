// The learning rates of the coming steps, on the device, where the device's own step counter finds them.
#pragma once
#include <cstdint>
#include <functional>
#include <span>

#include <ATen/core/Tensor.h>

namespace trainhost {

/// Rates live in a ring: the rate of step s stands at s modulo its size.
class RateTable {
 public:
  using HostTensor = std::function<at::Tensor(at::IntArrayRef, at::ScalarType)>;  // memory that the device can copy from on its own
  RateTable(at::Device device, HostTensor host_tensor) : device_(device), host_tensor_(std::move(host_tensor)) {}

  /// Writes the rates of steps first_step, first_step + 1, ...; earlier ones stay. No host wait. True: the ring has moved to other memory.
  bool set(uint64_t first_step, std::span<const double> rates);
  /// Throws Error(kFailure) when the rate of a step in [oldest, newest] is missing.
  void check_covers(uint64_t oldest, uint64_t newest) const;
  /// float64, on the device; undefined before set().
  const at::Tensor& ring() const { return rates_; }

 private:
  bool grow(uint64_t size);

  at::Device device_;
  HostTensor host_tensor_;
  at::Tensor rates_;
  uint64_t begin_ = 0, end_ = 0;  // steps whose rates are in the ring
};

}  // namespace trainhost
