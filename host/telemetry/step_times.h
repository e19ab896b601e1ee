// How long windows take while a checkpoint is saved, against all others.
#pragma once
#include <cstddef>
#include <vector>

namespace trainhost {

class StepTimes {
 public:
  struct Percentiles {
    double p50, p99;  // seconds; NaN: no window was seen
  };
  struct Report {
    Percentiles during, outside;
  };

  void add(double seconds, bool is_saving) { (is_saving ? during_ : outside_).add(seconds); }
  /// Of the windows since the last call.
  Report take();

 private:
  /// The newest values, at most a few thousand.
  class Recent {
   public:
    void add(double value);
    Percentiles take();

   private:
    std::vector<double> values_;
    size_t next_ = 0;
  };
  Recent during_, outside_;
};

}  // namespace trainhost
