// Number formats as plugins state them: which are known, and how they are called in messages.
#pragma once
#include <string>

#include <trainhost/types.h>

namespace trainhost {

/// A format of which the host knows the size and the meaning; one lane.
bool is_known(trainhost_dtype dtype);
/// Known and floating-point, 8 bits included.
bool is_floating(trainhost_dtype dtype);
/// Known and an integer (no bool).
bool is_integer(trainhost_dtype dtype);

/// "float32", "bfloat16", "uint8"; "code 9, 3 bits, 2 lanes" for others.
std::string dtype_text(trainhost_dtype dtype);

}  // namespace trainhost
