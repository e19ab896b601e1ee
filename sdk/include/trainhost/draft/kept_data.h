/* Draft. Optional beside any kind: a plugin that keeps data on the machine between runs shows it, bounds it, and reads it back.
 *
 * `trainhost data cache` finds the installed decorators of data sources that offer this, makes an instance of each with the defaults of its schema, without
 * upstreams and without start, and prints what it answers; so such a plugin has no required key and does not name trainhost.upstream/1 in its needs. What is
 * kept, and how, is the plugin's business. */
#ifndef TRAINHOST_DRAFT_KEPT_DATA_H
#define TRAINHOST_DRAFT_KEPT_DATA_H

#include "trainhost/plugin.h"
#include "trainhost/state.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Grows. Borrowed until the call returns. */
typedef struct trainhost_kept_request {
  uint32_t struct_size, flags;
  trainhost_string folder;       /* where it is kept; empty = the plugin's own place below cache_folder */
  trainhost_string cache_folder; /* as in trainhost_run_facts */
  trainhost_string limit;        /* collect: how much may stay, such as "50GB"; empty = the plugin's default */
} trainhost_kept_request;

/* Each writes one JSON object to `answer`:
 *   {"facts": {"name": text or number, ..}, "tables": [{"title": "..", "columns": ["..", ..], "rows": [[.., ..], ..]}], "damaged": number}
 * `damaged` counts what does not hold what was once written.
 * Failure: INVALID_ARGUMENT for a limit that is none, NOT_FOUND where the folder of the request does not exist, PERMISSION_DENIED. [main] */
#define TRAINHOST_KEPT_DATA "trainhost.kept_data/1"
typedef struct trainhost_kept_data {
  uint32_t struct_size, reserved;

  /* What is there. */
  trainhost_status (*list)(trainhost_instance *, const trainhost_kept_request *, const trainhost_writer *answer, trainhost_error *);

  /* Removes what was not used for longest until the rest is within the limit; nothing that a run uses now. */
  trainhost_status (*collect)(trainhost_instance *, const trainhost_kept_request *, const trainhost_writer *answer, trainhost_error *);

  /* Reads all of it back and compares checksums. Changes nothing. */
  trainhost_status (*verify)(trainhost_instance *, const trainhost_kept_request *, const trainhost_writer *answer, trainhost_error *);
} trainhost_kept_data;

#ifdef __cplusplus
}
#endif
#endif
