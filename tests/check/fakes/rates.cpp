// A learning-rate schedule that halves its factors at every tenth update.
#include <trainhost/lr_schedule.h>

#include <cmath>

#include "misfit.h"

MISFIT_RECORD("lr_schedule", "");

namespace {

trainhost_status update(trainhost_instance* instance, const trainhost_progress*, const trainhost_metric*, uint64_t, uint32_t* is_changed, trainhost_error*) {
  Misfit& self = of(instance);
  if (++self.counter % 10 == 0 && !self.is("hides_changes")) *is_changed = 1;
  return TRAINHOST_OK;
}

trainhost_status factors(trainhost_instance* instance, const trainhost_progress* at, const double* fractions, uint64_t num_steps, double* out,
                         trainhost_error*) {
  Misfit& self = of(instance);
  for (uint64_t i = 0; i < num_steps; ++i) {
    out[i] = std::exp2(-static_cast<double>(self.counter / 10));
    if (self.is("negative") && fractions[i] > 1) out[i] = -1;
    if (self.is("not_a_number_without_length")) out[i] = fractions[i];
    if (self.is("forgets_where_it_is")) out[i] = 1.0 / static_cast<double>(1 + i);
  }
  if (self.is("writes_one_more")) out[num_steps] = 1;
  (void)at;
  return TRAINHOST_OK;
}

const void* table_of_kind(const Misfit&, std::string_view id) {
  static const trainhost_lr_schedule table{sizeof table, 0, update, factors};
  return id == TRAINHOST_LR_SCHEDULE ? &table : nullptr;
}

}  // namespace

MISFIT_ENTRY("lr_schedule")
