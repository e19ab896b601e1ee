// Seeds and states of LibTorch's default generators.
#include "engine/random_state.h"

#include <mutex>

#include <ATen/Context.h>

namespace trainhost {
namespace {

at::Generator generator_of(at::Device device) { return at::globalContext().defaultGenerator(device); }

}  // namespace

std::vector<at::Device> RandomState::devices() const {
  if (device_.is_cpu()) return {device_};
  return {at::Device(at::kCPU), device_};
}

void RandomState::seed(uint64_t seed) {
  for (const at::Device device : devices()) {
    at::Generator generator = generator_of(device);
    const std::lock_guard lock(generator.mutex());
    generator.set_current_seed(seed);
  }
}

std::vector<std::pair<std::string, at::Tensor>> RandomState::get() const {
  std::vector<std::pair<std::string, at::Tensor>> out;
  for (const at::Device device : devices()) {
    at::Generator generator = generator_of(device);
    const std::lock_guard lock(generator.mutex());
    out.emplace_back(device.is_cpu() ? "rng.cpu" : "rng.cuda", generator.get_state());
  }
  return out;
}

void RandomState::set(const std::vector<std::pair<std::string, at::Tensor>>& states) {
  const std::vector<at::Device> all = devices();
  for (size_t i = 0; i < all.size(); ++i) {
    at::Generator generator = generator_of(all[i]);
    const std::lock_guard lock(generator.mutex());
    generator.set_state(states.at(i).second);
  }
}

}  // namespace trainhost
