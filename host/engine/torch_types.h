// Number formats in the three languages that the engine speaks: the plugin ABI (DLPack), LibTorch, safetensors.
#pragma once
#include <string>
#include <string_view>

#include <c10/core/ScalarType.h>

#include <trainhost/types.h>

namespace trainhost {

/// Throws Error(kData) for a format that LibTorch does not have.
at::ScalarType scalar_type_of(trainhost_dtype dtype);

/// The name in a safetensors header: F32, BF16, I64... Throws Error(kFailure) for a type that the checkpoint format lacks.
std::string safetensors_name(at::ScalarType type);

/// The other way round. Throws Error(kFailure) for a name that LibTorch has no format for.
at::ScalarType scalar_type_named(std::string_view safetensors_name);

}  // namespace trainhost
