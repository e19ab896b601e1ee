/* Learning-rate schedules: a factor on each parameter group's base rate.
 *
 * The host fills a table of factors ahead of time and the device indexes it by its own count of applied steps, so that a skipped window does not advance
 * the schedule and no step waits for the host. A schedule that reacts to evaluations says when its answers have changed.
 *
 * Examples: plugins/lr_schedule/constant, plugins/lr_schedule/cosine. */
#ifndef TRAINHOST_LR_SCHEDULE_H
#define TRAINHOST_LR_SCHEDULE_H

#include "trainhost/plugin.h"
#include "trainhost/progress.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TRAINHOST_LR_SCHEDULE "trainhost.lr_schedule/1"
typedef struct trainhost_lr_schedule {
  uint32_t struct_size, reserved;

  /* Tells what is new. Called after evaluations; NULL allowed.
   * metrics:    as in stopping_rule.h. Borrowed until the call returns.
   * is_changed: out, comes in as 0; not 0 when factors would now answer differently: the host then fills its table anew.
   * Failure:    as stopping_rule.h. [train] rank 0 */
  trainhost_status (*update)(trainhost_instance *, const trainhost_progress *, const trainhost_metric *metrics, uint64_t num_metrics,
                             uint32_t *is_changed, trainhost_error *);

  /* Writes the factors of steps at->step + i, for i in 0 .. num_steps - 1. Pure: between two updates that changed something, a step has one factor.
   * fractions: fractions[i] is how far the run will be at that step, 0..1 of its length; NaN when the run states no length.
   * out:       num_steps values, finite and >= 0.
   * Failure:   the run ends. FAILED_PRECONDITION when the length is needed and not known. [train] rank 0; the host broadcasts the answer */
  trainhost_status (*factors)(trainhost_instance *, const trainhost_progress *at, const double *fractions, uint64_t num_steps, double *out,
                              trainhost_error *);
} trainhost_lr_schedule;

#ifdef __cplusplus
}
#endif
#endif
