/* For plugins that have numbers to tell while a run goes on, such as how far a mirror is behind. */
#ifndef TRAINHOST_REPORT_H
#define TRAINHOST_REPORT_H

#include "trainhost/host.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TRAINHOST_REPORT "trainhost.report/1"
typedef struct trainhost_report {
  uint32_t struct_size, reserved;

  /* Publishes numbers as one event "plugin": a line of the run's log, and what observers see. topic and names are of [a-z0-9_], at most 32 names; NaN = not
   * measured. All is copied. Cannot fail and does not block; before start and after the last event of a run it does nothing. [any] */
  void (*publish)(const trainhost_host *, trainhost_string topic, const trainhost_string *names, const double *values, uint64_t num_values);
} trainhost_report;

#ifdef __cplusplus
}
#endif
#endif
