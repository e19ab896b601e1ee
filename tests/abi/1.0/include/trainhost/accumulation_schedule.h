/* Accumulation schedules: say how many samples the next update sees, and in how small pieces they go through the device.
 *
 * Any cut of the same samples gives the same gradient: a window's loss is the sum over all of its targets divided by their count. So the size of the
 * micro-batches is a matter of memory and speed alone, and the target of the window a matter of the optimisation.
 *
 * Example: plugins/accumulation_schedule/accum. */
#ifndef TRAINHOST_ACCUMULATION_SCHEDULE_H
#define TRAINHOST_ACCUMULATION_SCHEDULE_H

#include "trainhost/plugin.h"
#include "trainhost/progress.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Grows. Exactly one of num_micro_batches, target_samples and target_tokens is not 0. */
typedef struct trainhost_window {
  uint32_t struct_size, reserved;
  uint64_t micro_batch_samples; /* per rank, an upper bound: the last micro-batch may be smaller */
  uint64_t num_micro_batches;   /* per rank */
  uint64_t target_samples;      /* over all ranks */
  uint64_t target_tokens;       /* over all ranks; a token is a target that counts. The host cuts at the first sample that reaches it */
} trainhost_window;

#define TRAINHOST_ACCUMULATION_SCHEDULE "trainhost.accumulation_schedule/1"
typedef struct trainhost_accumulation_schedule {
  uint32_t struct_size, reserved;

  /* Plans the next window. in_out comes in as the last window, before the first one as all zeroes.
   * Failure: the run ends. trainhost.memory/1 may be used here. [train] rank 0; the host broadcasts the answer */
  trainhost_status (*next_window)(trainhost_instance *, const trainhost_progress *, trainhost_window *in_out, trainhost_error *);

  /* `failed` ran out of device memory, for the attempt-th time (from 1). The host drops the gradients, restores buffers and random state, and runs the
   * same samples again with the smaller size that is answered here.
   * micro_batch_samples: out, smaller than failed->micro_batch_samples and at least 1.
   * Failure: RESOURCE_EXHAUSTED when nothing smaller is left; the run ends with exit code 15. [train] rank 0 */
  trainhost_status (*out_of_memory)(trainhost_instance *, const trainhost_window *failed, uint64_t attempt, uint64_t *micro_batch_samples,
                                    trainhost_error *);
} trainhost_accumulation_schedule;

#ifdef __cplusplus
}
#endif
#endif
