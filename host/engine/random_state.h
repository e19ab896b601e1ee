// The default random generators of the process: seeded, kept and put back.
#pragma once
#include <cstdint>
#include <utility>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace trainhost {

/// The CPU's generator, and the device's own where the device is not the CPU.
class RandomState {
 public:
  explicit RandomState(at::Device device) : device_(device) {}
  void seed(uint64_t seed);
  /// Byte tensors in host memory, named rng.cpu and rng.cuda. No wait for the device.
  std::vector<std::pair<std::string, at::Tensor>> get() const;
  void set(const std::vector<std::pair<std::string, at::Tensor>>& states);

 private:
  std::vector<at::Device> devices() const;
  at::Device device_;
};

}  // namespace trainhost
