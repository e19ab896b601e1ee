// Settings of the thread that a program changes for some of its steps: whether gradients are recorded, and autocast.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <vector>

#include "plan.h"

namespace pt2 {

// Entered regions; leaving puts everything back, also when an exception passes.
class Regions {
 public:
  Regions() = default;
  ~Regions() { while (!entered_.empty()) leave(); }
  Regions(const Regions&) = delete;
  Regions& operator=(const Regions&) = delete;

  void enter_grad(const Region& region);
  void enter_autocast(const Region& region);
  void leave();

 private:
  struct Before {
    bool is_autocast;
    bool is_enabled, keeps_casts;
    at::DeviceType device;
    at::ScalarType dtype;
  };
  std::vector<Before> entered_;
};

}  // namespace pt2
