/* Data sources: give the bytes of samples, by id.
 *
 * A source is a numbered shelf: it says how many samples it has, what fields each one is made of, and fills the host's memory with those it is asked for.
 * Order, shuffling, batching, padding, threads and resume are the host's: reading the same ids with the same random keys gives the same bytes, in any
 * order and from any number of threads. A decorator (a cache) wraps another source and is one itself.
 *
 * Examples: plugins/data_source/synthetic, plugins/data_source/textfiles. */
#ifndef TRAINHOST_DATA_SOURCE_H
#define TRAINHOST_DATA_SOURCE_H

#include "trainhost/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a field is for. WEIGHT multiplies the loss of its target. */
enum { TRAINHOST_FIELD_INPUT = 0, TRAINHOST_FIELD_TARGET = 1, TRAINHOST_FIELD_WEIGHT = 2 };

/* Frozen; passed as pointers. One named tensor of every sample. */
typedef struct trainhost_field {
  uint32_t struct_size;
  int32_t role;
  trainhost_string name;
  trainhost_dtype dtype;
  int32_t ndim;         /* of one sample, without the batch axis; at most 8 */
  int64_t shape[8];     /* -1 = varies by sample */
  int64_t max_shape[8]; /* bounds a varying axis; -1 = unbounded */
  int64_t num_classes;  /* integers lie in [0, num_classes) or equal pad_value; 0 = not checked */
  double pad_value;     /* fills up samples of varying shape; in a target also: does not count in the loss */
} trainhost_field;

/* Grows. Everything pointed to lives until destroy. */
typedef struct trainhost_source_info {
  uint32_t struct_size, num_fields;
  const trainhost_field *const *fields; /* a field's position is its index in reserve */
  uint64_t num_samples;                 /* ids are 0 .. num_samples - 1 */
  uint64_t num_blocks;                  /* samples that are cheap to read together: shards, row groups, files. 0 = one block */
  const uint64_t *block_starts;         /* first id of each block, ascending, the first is 0; NULL when num_blocks is 0 */
  uint8_t fingerprint[32];              /* of content and config; a resume with another one is refused */
} trainhost_source_info;

/* Grows. What is wanted. Borrowed until the call returns. */
typedef struct trainhost_read {
  uint32_t struct_size, flags;
  uint64_t num_samples;
  const uint64_t *ids;         /* any order; an id may come twice */
  const uint64_t *random_keys; /* one a sample, hash(seed, epoch, id): the only randomness that a source may use */
} trainhost_read;

/* Where the samples go: memory of the host, until read returns. */
typedef struct trainhost_batch_writer {
  void *impl;

  /* Gives the place of one field of one sample: dense, 64-byte aligned, on the CPU. sample_index is a position in this call's ids, not an id; each
   * (sample, field) is reserved once. shape has ndim entries of the field; out->shape and out->strides live until read returns.
   * Failure: INVALID_ARGUMENT for a shape that the field does not allow. Different (sample, field) may be reserved from different threads. [any] */
  trainhost_status (*reserve)(void *impl, uint64_t sample_index, uint32_t field, const int64_t *shape, trainhost_tensor *out, trainhost_error *);
} trainhost_batch_writer;

#define TRAINHOST_DATA_SOURCE "trainhost.data_source/1"
typedef struct trainhost_data_source {
  uint32_t struct_size, reserved;

  /* Describes the source. The same answer each time.
   * Failure: the run does not begin. [main] after start */
  trainhost_status (*info)(trainhost_instance *, trainhost_source_info *out, trainhost_error *);

  /* Reserves and fills every field of every sample asked for. All or error: after an error the host throws the batch away.
   * Failure: UNAVAILABLE is tried again; on DATA_LOSS the host reads one by one to name the sample; anything else, such as OUT_OF_RANGE for an id that
   * does not exist, ends the run with exit code 12.
   * [io] several at once */
  trainhost_status (*read)(trainhost_instance *, const trainhost_read *, const trainhost_batch_writer *, trainhost_error *);
} trainhost_data_source;

/* Optional: how long samples are, without reading them. Lets the host group samples of like length and cut windows by tokens ahead of time. */
#define TRAINHOST_DATA_LENGTHS "trainhost.data_lengths/1"
typedef struct trainhost_data_lengths {
  uint32_t struct_size, reserved;

  /* out[i] = target elements of sample ids[i] that count. Failure: as read. [io] */
  trainhost_status (*lengths)(trainhost_instance *, const uint64_t *ids, uint64_t num_ids, uint64_t *out, trainhost_error *);
} trainhost_data_lengths;

/* Optional: text to tokens and back, for `trainhost sample`. In both: *written is the whole length, also when it exceeds capacity; then only capacity
 * elements were written, and the caller comes again with more room. */
#define TRAINHOST_TEXT "trainhost.text/1"
typedef struct trainhost_text {
  uint32_t struct_size, reserved;

  /* Failure: INVALID_ARGUMENT for text that has no tokens. [any] after start */
  trainhost_status (*encode)(trainhost_instance *, trainhost_string text, int64_t *out, uint64_t capacity, uint64_t *written, trainhost_error *);

  /* Bytes may be cut in the middle of a character: they are not always UTF-8. Failure: OUT_OF_RANGE for an unknown token. [any] after start */
  trainhost_status (*decode)(trainhost_instance *, const int64_t *tokens, uint64_t num_tokens, char *out, uint64_t capacity, uint64_t *written,
                             trainhost_error *);
} trainhost_text;

#ifdef __cplusplus
}
#endif
#endif
