// One period, played through once.
#include "data/credit_schedule.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

namespace trainhost {
namespace {

constexpr double kExact = 1e-9;  // relative: what is left over when 0.7 and 0.3 are written in binary

std::vector<double> shares_of(std::span<const double> weights) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  std::vector<double> shares;
  for (const double weight : weights) shares.push_back(weight / sum);
  return shares;
}

bool is_exact(const std::vector<double>& shares, double period) {
  return std::all_of(shares.begin(), shares.end(), [&](double share) {
    const double turns = std::round(share * period);
    return turns >= 1 && std::abs(share * period - turns) <= kExact * period;
  });
}

// The largest remainders are rounded up until the sum is there.
std::vector<uint64_t> rounded(const std::vector<double>& shares, uint64_t period) {
  std::vector<uint64_t> turns;
  for (const double share : shares) turns.push_back(std::max<uint64_t>(1, static_cast<uint64_t>(share * static_cast<double>(period))));
  const auto debt = [&](size_t part) { return shares[part] * static_cast<double>(period) - static_cast<double>(turns[part]); };
  std::vector<size_t> order(shares.size());
  std::iota(order.begin(), order.end(), size_t{0});
  for (uint64_t sum = std::accumulate(turns.begin(), turns.end(), uint64_t{0}); sum != period; sum = std::accumulate(turns.begin(), turns.end(), uint64_t{0})) {
    const auto by_debt = [&](size_t a, size_t b) { return debt(a) < debt(b); };
    if (sum < period) ++turns[*std::max_element(order.begin(), order.end(), by_debt)];
    else --turns[*std::min_element(order.begin(), order.end(), [&](size_t a, size_t b) { return turns[a] > 1 && (turns[b] == 1 || by_debt(a, b)); })];
  }
  return turns;
}

std::vector<uint64_t> whole_weights(std::span<const double> weights) {
  const std::vector<double> shares = shares_of(weights);
  for (uint64_t period = shares.size(); period <= CreditSchedule::kMostPositions; ++period) {
    if (!is_exact(shares, static_cast<double>(period))) continue;
    std::vector<uint64_t> turns;
    for (const double share : shares) turns.push_back(static_cast<uint64_t>(std::llround(share * static_cast<double>(period))));
    if (std::accumulate(turns.begin(), turns.end(), uint64_t{0}) == period) return turns;
  }
  return rounded(shares, CreditSchedule::kMostPositions);
}

}  // namespace

CreditSchedule::CreditSchedule(std::span<const double> weights) : weights_(whole_weights(weights)) {
  assert(!weights.empty() && weights.size() <= 256);
  const auto sum = static_cast<int64_t>(std::accumulate(weights_.begin(), weights_.end(), uint64_t{0}));
  std::vector<int64_t> credit(weights_.size(), 0);
  std::vector<uint32_t> counts(weights_.size(), 0);
  for (int64_t position = 0; position < sum; ++position) {
    for (size_t part = 0; part < weights_.size(); ++part) credit[part] += static_cast<int64_t>(weights_[part]);
    const auto part = static_cast<size_t>(std::max_element(credit.begin(), credit.end()) - credit.begin());
    credit[part] -= sum;
    parts_.push_back(static_cast<uint8_t>(part));
    ranks_.push_back(counts[part]++);
  }
}

CreditSchedule::Turn CreditSchedule::at(uint64_t position) const {
  const uint64_t offset = position % period(), part = parts_[offset];
  return {part, position / period() * weights_[part] + ranks_[offset]};
}

std::vector<uint64_t> CreditSchedule::counts_before(uint64_t position) const {
  std::vector<uint64_t> counts;
  for (const uint64_t weight : weights_) counts.push_back(position / period() * weight);
  for (uint64_t offset = 0; offset < position % period(); ++offset) ++counts[parts_[offset]];
  return counts;
}

}  // namespace trainhost
