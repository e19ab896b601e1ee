/* Stopping rules: say when a run should end, and why.
 *
 * The host asks every rule after each window and after each evaluation; the run ends when one of them says so. A rule looks at numbers only and
 * cannot alter training. It never latches: the verdict is asked anew each time, so a rule that changes its mind is obeyed.
 *
 * Examples: plugins/stopping_rule/earlystop, plugins/stopping_rule/budget. */
#ifndef TRAINHOST_STOPPING_RULE_H
#define TRAINHOST_STOPPING_RULE_H

#include "trainhost/plugin.h"
#include "trainhost/progress.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Why a run should end. The host maps this to its exit code (0, 10, 11) and, when several rules speak at once, takes the gravest. */
enum {
  TRAINHOST_STOP_NO = 0,
  TRAINHOST_STOP_DONE = 1,    /* enough: a target is met, or nothing more is to be gained */
  TRAINHOST_STOP_BUDGET = 2,  /* money, energy or time is spent */
  TRAINHOST_STOP_DIVERGED = 3 /* going on would be a waste */
};

typedef struct trainhost_verdict {
  uint32_t struct_size;   /* set by the host */
  int32_t stop;           /* TRAINHOST_STOP_*; an unknown value counts as DONE */
  uint32_t restore_best;  /* not 0: the host ends on the weights of the best evaluation, if a checkpoint still holds them */
  uint32_t reason_length; /* bytes of `reason` in use, no terminating NUL needed */
  char reason[496];       /* UTF-8, one sentence with numbers: "loss 2.913 has not improved by 0.001 for 5 evaluations" */
} trainhost_verdict;

#define TRAINHOST_STOPPING_RULE "trainhost.stopping_rule/1"
typedef struct trainhost_stopping_rule {
  uint32_t struct_size, reserved;

  /* Judges the run as of `progress`.
   *
   * metrics:  those that are new since the last call, oldest first, each handed over exactly once; may be none. Evaluation metrics carry the
   *           name of their set and a standard error (NaN when unknown).
   * verdict:  comes in as STOP_NO with an empty reason. A reason is required with any other value.
   * Failure:  the run goes on, the message is logged; three failures in a row end it with exit code 13.
   * Borrowed: progress, metrics and their strings until the call returns.
   * [train]   Rank 0 only; the host broadcasts the answer. Must not block. */
  trainhost_status (*check)(trainhost_instance *, const trainhost_progress *progress, const trainhost_metric *metrics, uint64_t num_metrics,
                            trainhost_verdict *verdict, trainhost_error *);
} trainhost_stopping_rule;

#ifdef __cplusplus
}
#endif
#endif
