/* State: what an instance must remember so that a resumed run goes on exactly as if it had never stopped.
 *
 * For scalars of plugins of any kind, at most 16 MiB. A plugin that has it says "stateful": true in its metadata; the host then refuses to resume from a
 * checkpoint that lacks the state, unless the user names the plugin in --resume-without. */
#ifndef TRAINHOST_STATE_H
#define TRAINHOST_STATE_H

#include "trainhost/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where save puts its bytes. Owned by the host, borrowed until save returns. */
typedef struct trainhost_writer {
  void *impl;

  /* Appends size bytes; they are copied. Failure: return it from save unchanged. [train], the thread that called save. */
  trainhost_status (*write)(void *impl, const void *bytes, uint64_t size, trainhost_error *);
} trainhost_writer;

#define TRAINHOST_STATE "trainhost.state/1"
typedef struct trainhost_state {
  uint32_t struct_size, reserved;

  /* Writes the whole state; the same state writes the same bytes. Rank 0, between windows; [io] and [event] calls may be in flight.
   * Failure: the checkpoint is not made, the message is logged. [train] */
  trainhost_status (*save)(trainhost_instance *, const trainhost_writer *, trainhost_error *);

  /* Takes back what a save wrote, perhaps by another version of the plugin. All or nothing: on failure the instance is as it was.
   * Failure: DATA_LOSS for bytes that are cut or odd, FAILED_PRECONDITION for a state that does not fit the config; the resume is refused.
   * [main] before start */
  trainhost_status (*load)(trainhost_instance *, trainhost_string saved_by_version, const void *bytes, uint64_t size, trainhost_error *);
} trainhost_state;

#ifdef __cplusplus
}
#endif
#endif
