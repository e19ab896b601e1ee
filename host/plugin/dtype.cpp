// One table of DLPack codes and widths.
#include "plugin/dtype.h"

#include <trainhost/format.hpp>

namespace trainhost {
namespace {

struct Known {
  uint8_t code, bits;
  const char* name;
};

constexpr Known kKnown[] = {
    {TRAINHOST_DTYPE_INT, 8, "int8"},
    {TRAINHOST_DTYPE_INT, 16, "int16"},
    {TRAINHOST_DTYPE_INT, 32, "int32"},
    {TRAINHOST_DTYPE_INT, 64, "int64"},
    {TRAINHOST_DTYPE_UINT, 8, "uint8"},
    {TRAINHOST_DTYPE_UINT, 16, "uint16"},
    {TRAINHOST_DTYPE_UINT, 32, "uint32"},
    {TRAINHOST_DTYPE_UINT, 64, "uint64"},
    {TRAINHOST_DTYPE_FLOAT, 16, "float16"},
    {TRAINHOST_DTYPE_FLOAT, 32, "float32"},
    {TRAINHOST_DTYPE_FLOAT, 64, "float64"},
    {TRAINHOST_DTYPE_BFLOAT, 16, "bfloat16"},
    {TRAINHOST_DTYPE_BOOL, 8, "bool"},
    {TRAINHOST_DTYPE_FLOAT8_E4M3FN, 8, "float8_e4m3fn"},
    {TRAINHOST_DTYPE_FLOAT8_E5M2, 8, "float8_e5m2"},
};

const Known* find(trainhost_dtype dtype) {
  for (const Known& known : kKnown)
    if (known.code == dtype.code && known.bits == dtype.bits && dtype.lanes == 1) return &known;
  return nullptr;
}

}  // namespace

bool is_known(trainhost_dtype dtype) { return find(dtype) != nullptr; }

bool is_integer(trainhost_dtype dtype) { return is_known(dtype) && (dtype.code == TRAINHOST_DTYPE_INT || dtype.code == TRAINHOST_DTYPE_UINT); }

bool is_floating(trainhost_dtype dtype) { return is_known(dtype) && !is_integer(dtype) && dtype.code != TRAINHOST_DTYPE_BOOL; }

std::string dtype_text(trainhost_dtype dtype) {
  if (const Known* known = find(dtype)) return known->name;
  return format("code {}, {} bits, {} lanes", static_cast<int>(dtype.code), static_cast<int>(dtype.bits), dtype.lanes);
}

}  // namespace trainhost
