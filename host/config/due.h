// The one scheduler of "every": says when the next multiple of an interval was reached.
#pragma once
#include <cstdint>

#include "config/interval.h"

namespace trainhost {

/// Counts from 0 over the whole run. Its state is a function of the amounts, so a resume needs no more than restore().
class Due {
 public:
  /// `every` must not be a percentage (resolve_percent) and must be measurable.
  explicit Due(const Interval& every) : every_(every) {}

  /// Takes all multiples up to `amounts` as done.
  void restore(const Amounts& amounts) { done_ = multiples(amounts); }

  /// Whether a multiple lies between the last one done and `amounts`. With upper bounds in `amounts` it answers "could it be due?".
  bool is_due(const Amounts& amounts) const { return multiples(amounts) > done_; }

  /// is_due(), and takes the multiples as done. Several at once count as one.
  bool reached(const Amounts& amounts);

  const Interval& every() const { return every_; }

 private:
  uint64_t multiples(const Amounts& amounts) const;

  Interval every_;
  uint64_t done_ = 0;
};

}  // namespace trainhost
