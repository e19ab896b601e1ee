// When what goes wrong: the settings, and dice that fall the same way for the same seed.
#pragma once
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace faultckpt {

struct Config {
  std::uint64_t seed = 1;
  std::uint64_t after_calls = 0;
  std::string only_keys;
  double latency_ms = 0;
  std::uint64_t bytes_per_second = 0;
  double fail_probability = 0;
  std::uint64_t fail_every = 0;
  std::vector<std::string> fail_operations;
  std::string fail_as = "transient";
  bool fail_late = false;
  double tear_probability = 0;
  std::uint64_t tear_every = 0;
  double lose_probability = 0;
  std::uint64_t lose_every = 0;
  bool is_volatile = false;
  double flip_probability = 0;
  std::uint64_t flip_every = 0;
  double stale_probability = 0;
  std::uint64_t stale_every = 0;
};

/// One fault of one kind, by probability or every n-th time. [any]
class Dice {
 public:
  Dice(std::string_view name, std::uint64_t seed, double probability, std::uint64_t every);

  /// Whether it happens to this call. A probability is asked of (seed, what, how often `what` was asked before): the order in which threads come does not
  /// matter. `every` counts all that were asked.
  bool falls(std::string_view what);
  std::uint64_t num_fallen() const;

 private:
  std::uint64_t seed_;
  double probability_;
  std::uint64_t every_;
  mutable std::mutex mutex_;
  std::map<std::uint64_t, std::uint64_t> asked_;  // hash of `what` -> how often
  std::uint64_t num_asked_ = 0, num_fallen_ = 0;
};

/// A number that follows from the seed and the text, evenly spread.
std::uint64_t spread(std::uint64_t seed, std::string_view text);

}  // namespace faultckpt
