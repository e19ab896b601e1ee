// Learnable samples as pure functions of (seed, id), the same on every machine.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace trainhost {

/// A stream of random numbers that belongs to one (seed, purpose, index); counter-based splitmix64.
class RandomStream {
 public:
  RandomStream(uint64_t seed, uint64_t purpose, uint64_t index);
  uint64_t next();
  /// [0, 1)
  double uniform();
  /// [0, bound)
  uint64_t below(uint64_t bound);
  /// Mean 0, variance 1: a sum of four uniform numbers, which needs no mathematical library.
  double normal();

 private:
  uint64_t state_;
};

/// Token t + 1 is a fixed permutation of token t, or with probability `noise` any token. The least possible loss is therefore known: conditional_entropy().
class TokenTask {
 public:
  TokenTask(uint64_t seed, uint64_t vocabulary, double noise);
  /// Fills `out` with one token more than the sample has.
  void fill(uint64_t id, std::span<int64_t> out) const;
  /// In nats a token.
  double conditional_entropy() const;

 private:
  uint64_t seed_, vocabulary_;
  double noise_;
  std::vector<int64_t> successor_;
};

/// Inputs x are standard normal. Scores = W x with a fixed random W of variance 1 / features, plus noise of this deviation.
/// classes: the index of the largest score; regression: the scores themselves.
class LinearTask {
 public:
  LinearTask(uint64_t seed, uint64_t features, uint64_t outputs, double noise);
  void fill(uint64_t id, std::span<float> x, std::span<float> scores) const;

 private:
  uint64_t seed_;
  double noise_;
  std::vector<float> weights_;  // outputs x features
};

}  // namespace trainhost
