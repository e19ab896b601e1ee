/* What the host offers to a plugin: services, each a frozen table asked for by its id.
 *
 * Every function takes the instance's OWN host as its first argument: the host knows by it who is speaking. A service that this host does not have, or
 * that makes no sense for this instance, is absent: get_service returns NULL. Always check. */
#ifndef TRAINHOST_HOST_H
#define TRAINHOST_HOST_H

#include "trainhost/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct trainhost_instance trainhost_instance; /* plugin.h */
typedef struct trainhost_host trainhost_host;

/* One per instance; lives until destroy has returned. */
struct trainhost_host {
  uint32_t struct_size, abi_major, abi_minor, reserved;
  void *impl; /* the host's own */

  /* Returns the table of a service, or NULL. The table lives as long as the host. [any] */
  const void *(*get_service)(const trainhost_host *, const char *id);
};

#define TRAINHOST_LOG "trainhost.log/1"
enum { TRAINHOST_LOG_DEBUG = 0, TRAINHOST_LOG_INFO = 1, TRAINHOST_LOG_WARNING = 2, TRAINHOST_LOG_ERROR = 3 };

/* Always present. */
typedef struct trainhost_log {
  uint32_t struct_size, reserved;

  /* Writes one line to the run's log, under the plugin's name. message is copied; it needs no newline. An unknown level counts as INFO. Never put a
   * secret here. Cannot fail; does not block on the disk. [any] */
  void (*write)(const trainhost_host *, int32_t level, trainhost_string message);
} trainhost_log;

/* For long [io] calls: ask now and then whether the answer is still wanted. Always present. */
#define TRAINHOST_CALL "trainhost.call/1"
typedef struct trainhost_call {
  uint32_t struct_size, reserved;

  /* Not 0 when the calling thread's present call should return CANCELLED soon. Outside of a call: 0. [any] */
  int32_t (*is_cancelled)(const trainhost_host *);

  /* When the calling thread's present call should be over, in nanoseconds of CLOCK_MONOTONIC; 0 = no deadline. [any] */
  int64_t (*deadline_ns)(const trainhost_host *);
} trainhost_call;

/* Grows. Facts that hold for the whole run. Strings live until destroy; secrets are removed from config_json. */
typedef struct trainhost_run_facts {
  uint32_t struct_size, rank, world_size, is_resumed;
  trainhost_string run_id;       /* unique to the run, the same after a resume */
  trainhost_string run_folder;   /* what the run leaves behind */
  trainhost_string cache_folder; /* may be lost between runs, shared by runs */
  trainhost_string currency;     /* "usd"; empty when the ledger knows no price */
  trainhost_string config_json;  /* the whole resolved config */
} trainhost_run_facts;

#define TRAINHOST_RUN "trainhost.run/1"
typedef struct trainhost_run {
  uint32_t struct_size, reserved;

  /* Returns the facts, or NULL before start: `config check` creates instances without a run. Lives until destroy. [any] */
  const trainhost_run_facts *(*facts)(const trainhost_host *);
} trainhost_run;

/* Grows. What a trial micro-batch cost. */
typedef struct trainhost_probe {
  uint32_t struct_size, fits;         /* fits: not 0 when forward and backward went through within the budget */
  uint64_t peak_bytes, budget_bytes;  /* on the device; 0 = not measured */
  double seconds;                     /* of one micro-batch; NaN = not measured */
} trainhost_probe;

/* For accumulation schedules that find their own size. */
#define TRAINHOST_MEMORY "trainhost.memory/1"
typedef struct trainhost_memory {
  uint32_t struct_size, reserved;

  /* Tries a micro-batch of this many samples. It leaves no trace in weights, buffers or random state. One that does not fit is OK with fits = 0.
   * Failure: FAILED_PRECONDITION when called outside of next_window, and whatever the trial met. [train], only inside next_window. */
  trainhost_status (*probe)(const trainhost_host *, uint64_t micro_batch_samples, trainhost_probe *out, trainhost_error *);

  /* A name, in hex, for model + shapes + device + precision: the key under which a measured size may be kept. Lives until destroy. [any] from start on */
  trainhost_string (*fingerprint)(const trainhost_host *);
} trainhost_memory;

/* For decorators only: the plugins of the same kind that this instance wraps. */
#define TRAINHOST_UPSTREAM "trainhost.upstream/1"
typedef struct trainhost_upstream {
  uint32_t struct_size, num_upstreams;

  /* Returns upstream `index`, NULL when index >= num_upstreams. It is already started, and destroyed after the decorator. Ask it for the kind's interface
   * by get_interface; never call its start, stop or destroy. Calls keep the thread role that they came in with. [any] */
  trainhost_instance *(*at)(const trainhost_host *, uint32_t index);
} trainhost_upstream;

#ifdef __cplusplus
}
#endif
#endif
