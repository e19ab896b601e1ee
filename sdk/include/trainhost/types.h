/* The words that every other header uses: status, error text, strings, number formats, tensors.
 *
 * Rules of the whole ABI. A table of functions is frozen under its string id: a new function is a new id. A struct marked "grows" may get fields at its
 * end; it is passed by pointer and is never an element of an array. The CALLER sets struct_size; the callee touches min(its own size, struct_size)
 * bytes and no more. A borrowed pointer ends with the call unless the comment says otherwise. No exception crosses, and nothing changes owner without
 * a release function beside it.
 *
 * Thread roles. [main] no other call into this instance is in flight. [train] the training thread; must not block. [io] workers of the host; may block,
 * several at once. [event] one worker per observer, in order, never two at once. [any] re-entrant, from any thread. */
#ifndef TRAINHOST_TYPES_H
#define TRAINHOST_TYPES_H

#include <stdint.h>

#define TRAINHOST_ABI_MAJOR 1u
#define TRAINHOST_ABI_MINOR 0u

/* The oldest host minor that this binary must run on. Newer declarations are hidden by #if TRAINHOST_TARGET_MINOR >= n; it becomes "min_host_minor". */
#ifndef TRAINHOST_TARGET_MINOR
#define TRAINHOST_TARGET_MINOR 0
#endif
#if TRAINHOST_TARGET_MINOR > TRAINHOST_ABI_MINOR
#error "TRAINHOST_TARGET_MINOR is newer than this SDK; update the SDK or lower the target"
#endif

#define TRAINHOST_EXPORT __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

/* What every function returns. A value that the reader does not know is treated as UNKNOWN. */
typedef int32_t trainhost_status;
enum {
  TRAINHOST_OK = 0,
  TRAINHOST_CANCELLED = 1,           /* stopped because trainhost_call said so */
  TRAINHOST_UNKNOWN = 2,
  TRAINHOST_INVALID_ARGUMENT = 3,    /* the caller's fault, or the user's config */
  TRAINHOST_DEADLINE_EXCEEDED = 4,
  TRAINHOST_NOT_FOUND = 5,
  TRAINHOST_ALREADY_EXISTS = 6,
  TRAINHOST_PERMISSION_DENIED = 7,
  TRAINHOST_RESOURCE_EXHAUSTED = 8,  /* memory, disk, quota */
  TRAINHOST_FAILED_PRECONDITION = 9, /* cannot be done on this machine or in this state */
  TRAINHOST_ABORTED = 10,
  TRAINHOST_OUT_OF_RANGE = 11,
  TRAINHOST_UNIMPLEMENTED = 12,
  TRAINHOST_INTERNAL = 13,           /* a bug in the callee */
  TRAINHOST_UNAVAILABLE = 14,        /* worth a retry; no other status is */
  TRAINHOST_DATA_LOSS = 15           /* bytes are damaged or missing */
};

/* The words of a failure. Only words: the status alone decides what happens.
 * Owned by the caller, usually on its stack; a NULL pointer means that nobody wants the words. The callee writes UTF-8, no terminating NUL needed, and
 * sets message_length <= sizeof message. Say place, what, got, wanted, next step. */
typedef struct trainhost_error {
  uint32_t struct_size, message_length;
  char message[504];
} trainhost_error;

/* UTF-8, not terminated. data may be NULL when length is 0. Borrowed unless said otherwise. */
typedef struct trainhost_string {
  const char *data;
  uint64_t length;
} trainhost_string;

/* A number format, with the codes of DLPack 1.1. lanes is 1 in all that the host hands out. code 0 with bits 0 means "not stated". */
typedef struct trainhost_dtype {
  uint8_t code, bits;
  uint16_t lanes;
} trainhost_dtype;
enum {
  TRAINHOST_DTYPE_INT = 0,
  TRAINHOST_DTYPE_UINT = 1,
  TRAINHOST_DTYPE_FLOAT = 2,
  TRAINHOST_DTYPE_BFLOAT = 4,
  TRAINHOST_DTYPE_BOOL = 6,
  TRAINHOST_DTYPE_FLOAT8_E4M3FN = 10,
  TRAINHOST_DTYPE_FLOAT8_E5M2 = 12
};

/* device_type of DLPack. */
enum { TRAINHOST_DEVICE_CPU = 1, TRAINHOST_DEVICE_CUDA = 2 };

/* A view of memory that somebody else owns: element [i,j,..] stands at data + byte_offset + (i * strides[0] + j * strides[1] + ..) * bits / 8.
 * strides count elements; NULL means dense, the last axis fastest. */
typedef struct trainhost_tensor {
  void *data;
  int32_t device_type, device_id;
  int32_t ndim;
  trainhost_dtype dtype;
  int64_t *shape, *strides;
  uint64_t byte_offset;
} trainhost_tensor;

#ifdef __cplusplus
}
#endif
#endif
