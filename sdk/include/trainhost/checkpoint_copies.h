/* Optional beside trainhost.checkpoint_backend/1: the backend holds objects in several places, and says what each of them holds.
 *
 * The host reads through `get`. Only when the checksums of a checkpoint say that what came back is damaged does it ask for each place by its number. */
#ifndef TRAINHOST_CHECKPOINT_COPIES_H
#define TRAINHOST_CHECKPOINT_COPIES_H

#include "trainhost/checkpoint_backend.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TRAINHOST_CHECKPOINT_COPIES "trainhost.checkpoint_copies/1"
typedef struct trainhost_checkpoint_copies {
  uint32_t struct_size, num_places;

  /* Like `get` of the backend, out of one place alone. place: below num_places.
   * Failure: NOT_FOUND when that place does not hold the object; DATA_LOSS when it noticed damage. [io] */
  trainhost_status (*get_copy)(trainhost_instance *, uint32_t place, trainhost_string key, uint64_t offset, void *out, uint64_t size, uint64_t *got,
                               trainhost_error *);
} trainhost_checkpoint_copies;

#ifdef __cplusplus
}
#endif
#endif
