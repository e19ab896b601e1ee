// How long to wait before a request is sent again.
#pragma once
#include <algorithm>
#include <cstdint>

namespace trainhost::s3 {

/// Seconds after the try with this number (from 1) at most: they double, up to five.
inline double longest_wait(unsigned number) { return std::min(5.0, 0.1 * static_cast<double>(1u << std::min(number - 1, 16u))); }

/// Anything from none to all of that, by a random number of 64 bits ("full jitter"): those who failed together do not come back together.
inline double jittered_wait(unsigned number, std::uint64_t random) { return longest_wait(number) * (static_cast<double>(random >> 11) * 0x1p-53); }

}  // namespace trainhost::s3
