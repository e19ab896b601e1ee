#include "regions.h"

#include <c10/core/GradMode.h>

// From ATen/autocast_mode.h, which costs 11 s to include.
namespace at::autocast {
TORCH_API bool is_autocast_enabled(at::DeviceType device_type);
TORCH_API void set_autocast_enabled(at::DeviceType device_type, bool enabled);
TORCH_API at::ScalarType get_autocast_dtype(at::DeviceType device_type);
TORCH_API void set_autocast_dtype(at::DeviceType device_type, at::ScalarType dtype);
TORCH_API bool is_autocast_cache_enabled();
TORCH_API void set_autocast_cache_enabled(bool enabled);
TORCH_API int increment_nesting();
TORCH_API int decrement_nesting();
TORCH_API void clear_cache();
}  // namespace at::autocast

namespace pt2 {

namespace autocast = at::autocast;

void Regions::enter_grad(const Region& region) {
  entered_.push_back({false, c10::GradMode::is_enabled(), false, at::kCPU, at::kFloat});
  c10::GradMode::set_enabled(region.is_enabled);
}

// The steps of torch.autocast's __enter__ and __exit__.
void Regions::enter_autocast(const Region& region) {
  const at::DeviceType device = region.device;
  entered_.push_back({true, autocast::is_autocast_enabled(device), autocast::is_autocast_cache_enabled(), device, autocast::get_autocast_dtype(device)});
  autocast::increment_nesting();
  autocast::set_autocast_enabled(device, region.is_enabled);
  if (region.dtype) autocast::set_autocast_dtype(device, *region.dtype);
  autocast::set_autocast_cache_enabled(region.keeps_casts);
}

void Regions::leave() {
  const Before before = entered_.back();
  entered_.pop_back();
  if (!before.is_autocast) return c10::GradMode::set_enabled(before.is_enabled);
  if (autocast::decrement_nesting() == 0) autocast::clear_cache();
  autocast::set_autocast_enabled(before.device, before.is_enabled);
  autocast::set_autocast_dtype(before.device, before.dtype);
  autocast::set_autocast_cache_enabled(before.keeps_casts);
}

}  // namespace pt2
