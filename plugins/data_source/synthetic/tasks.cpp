// Sums and products in a fixed order only, so that every machine gets the same bits.
#include "tasks.h"

#include <cmath>
#include <numeric>
#include <utility>

namespace trainhost {
namespace {

enum Purpose : uint64_t { kSuccessors = 1, kTokens = 2, kWeights = 3, kInputs = 4 };

uint64_t mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

}  // namespace

RandomStream::RandomStream(uint64_t seed, uint64_t purpose, uint64_t index) : state_(mix(mix(mix(seed) ^ purpose) ^ index)) {}

uint64_t RandomStream::next() { return mix(state_++); }

double RandomStream::uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

uint64_t RandomStream::below(uint64_t bound) { return static_cast<uint64_t>(uniform() * static_cast<double>(bound)); }

double RandomStream::normal() {
  const uint64_t bits = next();
  double sum = 0;
  for (int part = 0; part < 4; ++part) sum += static_cast<double>((bits >> (16 * part)) & 0xffff) * 0x1p-16;
  return (sum - 2 + 0x1p-15) * 1.7320508075688772;  // variance of the sum: 4 / 12
}

TokenTask::TokenTask(uint64_t seed, uint64_t vocabulary, double noise) : seed_(seed), vocabulary_(vocabulary), noise_(noise), successor_(vocabulary) {
  std::iota(successor_.begin(), successor_.end(), int64_t{0});
  RandomStream random(seed, kSuccessors, 0);
  for (uint64_t last = vocabulary; last > 1; --last) std::swap(successor_[last - 1], successor_[random.below(last)]);
}

void TokenTask::fill(uint64_t id, std::span<int64_t> out) const {
  RandomStream random(seed_, kTokens, id);
  auto token = static_cast<int64_t>(random.below(vocabulary_));
  for (int64_t& place : out) {
    place = token;
    const bool is_noise = random.uniform() < noise_;
    const auto any = static_cast<int64_t>(random.below(vocabulary_));
    token = is_noise ? any : successor_[static_cast<size_t>(token)];
  }
}

double TokenTask::conditional_entropy() const {
  const double other = noise_ / static_cast<double>(vocabulary_), expected = 1 - noise_ + other;
  const double rest = other > 0 ? static_cast<double>(vocabulary_ - 1) * other * std::log(other) : 0;
  return -(expected * std::log(expected) + rest);
}

LinearTask::LinearTask(uint64_t seed, uint64_t features, uint64_t outputs, double noise) : seed_(seed), noise_(noise), weights_(features * outputs) {
  RandomStream random(seed, kWeights, 0);
  const double scale = 1 / std::sqrt(static_cast<double>(features));
  for (float& weight : weights_) weight = static_cast<float>(random.normal() * scale);
}

void LinearTask::fill(uint64_t id, std::span<float> x, std::span<float> scores) const {
  RandomStream random(seed_, kInputs, id);
  for (float& value : x) value = static_cast<float>(random.normal());
  for (size_t output = 0; output < scores.size(); ++output) {
    double sum = 0;
    for (size_t i = 0; i < x.size(); ++i) sum += static_cast<double>(weights_[output * x.size() + i]) * static_cast<double>(x[i]);
    scores[output] = static_cast<float>(sum + noise_ * random.normal());
  }
}

}  // namespace trainhost
