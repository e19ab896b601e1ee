// Generators by their names; engine/engine.h says how they are called.
#include "loop/device_change.h"

#include <algorithm>
#include <string_view>

namespace trainhost {
namespace {

constexpr std::string_view kGenerator = "engine.rng.", kCpu = "cpu";

bool is_generator(const TensorView& tensor) { return tensor.name.starts_with(kGenerator); }

bool holds(std::span<const TensorView> state, const std::string& name) {
  return std::any_of(state.begin(), state.end(), [&](const TensorView& tensor) { return tensor.name == name; });
}

}  // namespace

std::string device_type_of(std::span<const TensorView> engine_state) {
  std::string type(kCpu);
  for (const TensorView& tensor : engine_state)
    if (is_generator(tensor) && !tensor.name.ends_with(kCpu)) type = tensor.name.substr(kGenerator.size());
  return type;
}

std::vector<TensorView> fitted_to_device(std::span<const TensorView> saved, std::span<const TensorView> own) {
  std::vector<TensorView> fitted;
  for (const TensorView& tensor : saved)
    if (!is_generator(tensor) || holds(own, tensor.name)) fitted.push_back(tensor);
  for (const TensorView& tensor : own)
    if (is_generator(tensor) && !holds(saved, tensor.name)) fitted.push_back(tensor);
  return fitted;
}

}  // namespace trainhost
