// Rates over a sliding window, and the time that is left.
#pragma once
#include <deque>
#include <span>
#include <vector>

namespace trainhost {

/// How fast a growing value grew lately.
class SlidingRate {
 public:
  explicit SlidingRate(double window_seconds) : window_seconds_(window_seconds) {}

  void add(double seconds, double value);
  /// Per second over the window; NaN until two different times were seen.
  double per_second() const;

 private:
  struct Sample {
    double seconds, value;
  };
  double window_seconds_;
  std::deque<Sample> samples_;  // at most about 64
};

/// Fed once a window with values that grow from the first start of the run on.
class Throughput {
 public:
  /// data_wait_seconds: Ledger::seconds_in(kDataWait). fractions: for each limit of `max`, in the same order each time, how much of it is used (1 = reached).
  void add(double seconds, double tokens, double data_wait_seconds, std::span<const double> fractions);

  double tokens_per_second() const { return tokens_.per_second(); }   // NaN: not known yet
  double data_wait_ratio() const { return data_wait_.per_second(); }  // NaN: not known yet
  /// Until the first limit is reached, at the pace of the last minutes; NaN when it is not known. Rules may end the run earlier.
  double seconds_left() const;

 private:
  SlidingRate tokens_{10}, data_wait_{10};
  std::vector<SlidingRate> limits_;
  std::vector<double> fractions_;
};

}  // namespace trainhost
