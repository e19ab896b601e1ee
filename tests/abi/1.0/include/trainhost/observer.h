/* Observers: see every event of a run and change nothing.
 *
 * Events wait in a bounded queue of their own for each observer: a slow one loses events, which are counted and reported, and never slows the run.
 * A plugin of any kind may offer this interface beside its own. The events and their details are the documented list of log.jsonl.
 *
 * Example: plugins/observer/csvlog. */
#ifndef TRAINHOST_OBSERVER_H
#define TRAINHOST_OBSERVER_H

#include "trainhost/plugin.h"
#include "trainhost/progress.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Grows. Borrowed until the call returns. */
typedef struct trainhost_event {
  uint32_t struct_size, num_metrics;
  trainhost_string name;              /* "run_start", "step", "evaluation", "checkpoint_saved", "stop", ...; ignore those that you do not know */
  trainhost_string details_json;      /* one JSON object: the fields of that line of log.jsonl */
  int64_t unix_ns;                    /* wall clock when it happened */
  const trainhost_progress *progress; /* NULL before the first window */
  const trainhost_metric *metrics;    /* num_metrics of them; those that came with this event */
} trainhost_event;

#define TRAINHOST_OBSERVER "trainhost.observer/1"
typedef struct trainhost_observer {
  uint32_t struct_size, reserved;

  /* Takes note of one event. Events come in order, from start on, until stop; the last one is run_end.
   * Failure: the message is logged; three in a row mute the observer for the rest of the run, which says so. [event] may block */
  trainhost_status (*on_event)(trainhost_instance *, const trainhost_event *, trainhost_error *);
} trainhost_observer;

#ifdef __cplusplus
}
#endif
#endif
