// A checkpoint that was saved on another type of device: all of it goes on here but the random generators of devices that are not in both places.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "base/tensor_view.h"

namespace trainhost {

/// The type of device that an engine's state was saved on, told by its generators: "cuda" where it has "engine.rng.cuda", else "cpu".
std::string device_type_of(std::span<const TensorView> engine_state);

/// The saved state as an engine can take it whose own state is `own`: generators that are not in `own` are left out, those that only `own` has keep what
/// they are. The views are those of the arguments.
std::vector<TensorView> fitted_to_device(std::span<const TensorView> saved, std::span<const TensorView> own);

}  // namespace trainhost
