// Tables between the number formats of the plugin ABI, LibTorch and safetensors.
#include "engine/torch_types.h"

#include <array>

#include "base/error.h"

namespace trainhost {
namespace {

struct DtypeName {
  uint8_t code, bits;
  at::ScalarType type;
  const char* safetensors;
};

constexpr std::array<DtypeName, 15> kTypes = {{
    {TRAINHOST_DTYPE_FLOAT, 64, at::kDouble, "F64"},
    {TRAINHOST_DTYPE_FLOAT, 32, at::kFloat, "F32"},
    {TRAINHOST_DTYPE_FLOAT, 16, at::kHalf, "F16"},
    {TRAINHOST_DTYPE_BFLOAT, 16, at::kBFloat16, "BF16"},
    {TRAINHOST_DTYPE_INT, 64, at::kLong, "I64"},
    {TRAINHOST_DTYPE_INT, 32, at::kInt, "I32"},
    {TRAINHOST_DTYPE_INT, 16, at::kShort, "I16"},
    {TRAINHOST_DTYPE_INT, 8, at::kChar, "I8"},
    {TRAINHOST_DTYPE_UINT, 64, at::kUInt64, "U64"},
    {TRAINHOST_DTYPE_UINT, 32, at::kUInt32, "U32"},
    {TRAINHOST_DTYPE_UINT, 16, at::kUInt16, "U16"},
    {TRAINHOST_DTYPE_UINT, 8, at::kByte, "U8"},
    {TRAINHOST_DTYPE_BOOL, 8, at::kBool, "BOOL"},
    {TRAINHOST_DTYPE_FLOAT8_E4M3FN, 8, at::kFloat8_e4m3fn, "F8_E4M3"},
    {TRAINHOST_DTYPE_FLOAT8_E5M2, 8, at::kFloat8_e5m2, "F8_E5M2"},
}};

}  // namespace

at::ScalarType scalar_type_of(trainhost_dtype dtype) {
  for (const DtypeName& entry : kTypes)
    if (entry.code == dtype.code && entry.bits == dtype.bits && dtype.lanes <= 1) return entry.type;
  throw Error(ExitCode::kData, format("number format with code {}, {} bits, {} lanes: LibTorch has none like it; use one of the plain integer and float formats",
                                      dtype.code, dtype.bits, dtype.lanes));
}

std::string safetensors_name(at::ScalarType type) {
  for (const DtypeName& entry : kTypes)
    if (entry.type == type) return entry.safetensors;
  throw Error(ExitCode::kFailure, format("tensors of type {} cannot be saved: the checkpoint format has no name for them", c10::toString(type)));
}

at::ScalarType scalar_type_named(std::string_view safetensors_name) {
  for (const DtypeName& entry : kTypes)
    if (entry.safetensors == safetensors_name) return entry.type;
  throw Error(ExitCode::kFailure, format("tensors of format {}: LibTorch has none like it", safetensors_name));
}

}  // namespace trainhost
