// Random numbers of one sample: a pure function of the host's key and of how many were drawn.
#pragma once
#include <cstdint>

namespace trainhost::images {

/// splitmix64. Nothing of the standard library's distributions: they differ from one to the next.
class KeyedRandom {
 public:
  explicit KeyedRandom(uint64_t key) : state_(key) {}

  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /// In [0, 1).
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  double between(double low, double high) { return low + (high - low) * uniform(); }
  /// In [0, count).
  uint32_t below(uint32_t count) { return static_cast<uint32_t>(uniform() * count); }

 private:
  uint64_t state_;
};

}  // namespace trainhost::images
