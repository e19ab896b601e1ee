/* Checkpoint backends: a place where bytes live under keys.
 *
 * The format of a checkpoint is the host's; a backend moves bytes and promises two things: what was committed is whole and durable, and nothing is ever
 * overwritten. Large objects go in parts under a key that was never used before; only `create` decides a race, so the commit record is made with it.
 * Keys are '/'-separated, at most 512 bytes of [A-Za-z0-9._/-], no empty, "." or ".." part. The place itself is the config key "uri".
 *
 * Every function may be called from several threads at once and may block; ask trainhost.call/1 in long ones.
 * Example: plugins/checkpoint_backend/localckpt. */
#ifndef TRAINHOST_CHECKPOINT_BACKEND_H
#define TRAINHOST_CHECKPOINT_BACKEND_H

#include "trainhost/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Grows: handed out one at a time. Borrowed until visit returns. */
typedef struct trainhost_object {
  uint32_t struct_size, reserved;
  trainhost_string key;
  uint64_t size;
  int64_t modified_unix_ms; /* 0 = not known */
} trainhost_object;

typedef struct trainhost_put trainhost_put; /* an upload under way; owned by the backend */

#define TRAINHOST_CHECKPOINT_BACKEND "trainhost.checkpoint_backend/1"
typedef struct trainhost_checkpoint_backend {
  uint32_t struct_size, reserved;

  /* Begins an object of exactly `size` bytes under a key that was never used before. Nothing of it is visible before put_commit.
   * part_bytes: in, the host's wish; out, the size of every part but the last: at least 1 and a multiple of 4096.
   * put:        out, ended by put_commit or put_abort, one of which always follows.
   * Failure:    ALREADY_EXISTS, RESOURCE_EXHAUSTED, PERMISSION_DENIED; no put exists then. [io] */
  trainhost_status (*put_begin)(trainhost_instance *, trainhost_string key, uint64_t size, uint64_t *part_bytes, trainhost_put **put, trainhost_error *);

  /* Stores one part. Any order, many threads. bytes is 4096-aligned and free again on return; crc32c is of these bytes: check it as late as can be.
   * Failure: UNAVAILABLE is tried again with the same bytes, so a part may come twice. [io] */
  trainhost_status (*put_part)(trainhost_put *, uint64_t offset, const void *bytes, uint64_t size, uint32_t crc32c, trainhost_error *);

  /* Makes the object visible. Once, with no part in flight. OK = visible and durable. On ANY return the put is gone.
   * Failure: the object may or may not be there; the host never uses that key again. [io] */
  trainhost_status (*put_commit)(trainhost_put *, trainhost_error *);

  /* Throws the upload away. With no part in flight. Cannot fail; what it cannot remove now is removed later or never seen. [io] */
  void (*put_abort)(trainhost_put *);

  /* Makes a small object (at most 1 MiB) in one go: atomic, durable, never over an existing one. The only function that decides races.
   * Failure: ALREADY_EXISTS when the key holds other bytes; equal bytes are OK, so a retry is safe. [io] */
  trainhost_status (*create)(trainhost_instance *, trainhost_string key, const void *bytes, uint64_t size, trainhost_error *);

  /* Reads `size` bytes from `offset`. *got < size only at the end of the object.
   * Failure: NOT_FOUND; DATA_LOSS when the place itself noticed damage. [io] */
  trainhost_status (*get)(trainhost_instance *, trainhost_string key, uint64_t offset, void *out, uint64_t size, uint64_t *got, trainhost_error *);

  /* Visits every committed object whose key begins with prefix, in bytewise order of the keys. A visit that returns not 0 stops it; that is OK.
   * An object that is committed or removed meanwhile may or may not be visited. [io]; visit is called on this thread */
  trainhost_status (*list)(trainhost_instance *, trainhost_string prefix, void *context, int32_t (*visit)(void *context, const trainhost_object *),
                           trainhost_error *);

  /* Removes an object. One that is absent is OK. [io] */
  trainhost_status (*remove)(trainhost_instance *, trainhost_string key, trainhost_error *);
} trainhost_checkpoint_backend;

#ifdef __cplusplus
}
#endif
#endif
