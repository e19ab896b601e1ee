// Multiples of an interval.
#include "config/due.h"

#include <cmath>

namespace trainhost {

bool Due::reached(const Amounts& amounts) {
  if (!is_due(amounts)) return false;
  done_ = multiples(amounts);
  return true;
}

uint64_t Due::multiples(const Amounts& amounts) const {
  const double consumed = amount_of(amounts, every_);
  if (!(consumed > 0)) return 0;  // not measured counts as nothing consumed
  // Parts of an epoch do not add up exactly in binary: 3 x 0.1 epochs must be the third tenth.
  const double slack = every_.unit == Unit::kEpoch ? 1e-9 : 0;
  return static_cast<uint64_t>(std::floor(consumed / every_.base_amount() + slack));
}

}  // namespace trainhost
