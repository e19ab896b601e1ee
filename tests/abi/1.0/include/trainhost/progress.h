/* Where a run stands: what schedules, rules and observers are told.
 *
 * A window is one attempt at an update; a step is an update that was applied. A skipped window is no step, but its samples are consumed. Every count is
 * global (all ranks) and continues over resumes. */
#ifndef TRAINHOST_PROGRESS_H
#define TRAINHOST_PROGRESS_H

#include "trainhost/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Grows. Borrowed until the call returns. Values of the device (loss, gradient_norm, skips) are those up to observed_window, which is behind `windows`
 * by exactly the lag of the run (8 by default), and by 0 after the host has drained the device: the same run decides the same each time. */
typedef struct trainhost_progress {
  uint32_t struct_size, flags;
  uint64_t windows;                               /* tried; exact */
  uint64_t step;                                  /* applied updates up to observed_window */
  uint64_t skipped_windows;                       /* up to observed_window: observed_window = step + skipped_windows */
  uint64_t micro_batches, samples, targets;       /* targets: elements that count in the loss; the unit "token" of intervals */
  uint64_t epoch, epoch_samples, epoch_position;  /* passes begun; samples in one; samples of it consumed */
  uint64_t observed_window;                       /* the newest window whose device values are in here */
  double fraction;                                /* of the run's stated maximum, 0..1; NaN = none stated */
  double seconds, cost, energy_kwh;               /* since the first start of the run, in the run's currency; NaN = not measured */
  double learning_rate, loss_scale, loss, loss_ema, gradient_norm; /* of observed_window; NaN = none yet. loss is per target */
} trainhost_progress;

/* Where a metric comes from. */
enum { TRAINHOST_METRIC_TRAIN = 0, TRAINHOST_METRIC_EVALUATION = 1, TRAINHOST_METRIC_SYSTEM = 2 };

/* Frozen. Each value is handed over exactly once to each plugin that asks for metrics, oldest first. */
typedef struct trainhost_metric {
  trainhost_string name, set;   /* "loss"; the evaluation set, "heldout"; empty for training and system */
  double value, standard_error; /* standard_error: NaN = unknown */
  uint64_t step;                /* applied updates when it was measured */
  uint32_t origin, flags;       /* TRAINHOST_METRIC_*; flags 0 */
} trainhost_metric;

#ifdef __cplusplus
}
#endif
#endif
