// Number formats and fields of samples, as data sources describe them and models see them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trainhost/data_source.h"

namespace trainhost::inline sdk {

inline constexpr trainhost_dtype kBool{TRAINHOST_DTYPE_BOOL, 8, 1};
inline constexpr trainhost_dtype kUInt8{TRAINHOST_DTYPE_UINT, 8, 1}, kInt8{TRAINHOST_DTYPE_INT, 8, 1};
inline constexpr trainhost_dtype kInt16{TRAINHOST_DTYPE_INT, 16, 1}, kInt32{TRAINHOST_DTYPE_INT, 32, 1}, kInt64{TRAINHOST_DTYPE_INT, 64, 1};
inline constexpr trainhost_dtype kFloat16{TRAINHOST_DTYPE_FLOAT, 16, 1}, kBFloat16{TRAINHOST_DTYPE_BFLOAT, 16, 1};
inline constexpr trainhost_dtype kFloat32{TRAINHOST_DTYPE_FLOAT, 32, 1}, kFloat64{TRAINHOST_DTYPE_FLOAT, 64, 1};

constexpr bool same(trainhost_dtype a, trainhost_dtype b) { return a.code == b.code && a.bits == b.bits && a.lanes == b.lanes; }

// One named tensor of every sample; see trainhost_field. max_shape may stay empty: then it is shape.
struct Field {
  std::string name;
  std::int32_t role = TRAINHOST_FIELD_INPUT;
  trainhost_dtype dtype = kFloat32;
  std::vector<std::int64_t> shape = {}, max_shape = {};
  std::int64_t num_classes = 0;
  double pad_value = 0;
};

}  // namespace trainhost::inline sdk
