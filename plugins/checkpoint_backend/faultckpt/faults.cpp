// Hashes in place of a generator: a generator's numbers would depend on the order of threads.
#include "faults.h"

namespace faultckpt {
namespace {

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

}  // namespace

std::uint64_t spread(std::uint64_t seed, std::string_view text) {
  std::uint64_t hash = mix(seed);
  for (const char c : text) hash = mix(hash ^ static_cast<unsigned char>(c));
  return hash;
}

Dice::Dice(std::string_view name, std::uint64_t seed, double probability, std::uint64_t every)
    : seed_(spread(seed, name)), probability_(probability), every_(every) {}

bool Dice::falls(std::string_view what) {
  if (probability_ <= 0 && every_ == 0) return false;
  const std::lock_guard lock(mutex_);
  bool is_fallen = every_ > 0 && ++num_asked_ % every_ == 0;
  if (probability_ > 0) {
    const std::uint64_t hash = spread(seed_, what);
    const double fraction = static_cast<double>(mix(hash + asked_[hash]++) >> 11) * 0x1p-53;
    is_fallen = is_fallen || fraction < probability_;
  }
  num_fallen_ += is_fallen;
  return is_fallen;
}

std::uint64_t Dice::num_fallen() const {
  const std::lock_guard lock(mutex_);
  return num_fallen_;
}

}  // namespace faultckpt
