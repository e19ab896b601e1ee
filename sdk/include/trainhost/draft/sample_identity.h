/* Draft. Optional beside trainhost.data_source/1: whether the samples of a source may be kept and used again, and under which name.
 *
 * A decorator that keeps samples (a cache) asks its upstream for it, and keeps nothing of a source that does not answer: a sample that was drawn with the
 * random key of one epoch must never come back in another. */
#ifndef TRAINHOST_DRAFT_SAMPLE_IDENTITY_H
#define TRAINHOST_DRAFT_SAMPLE_IDENTITY_H

#include "trainhost/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Grows. Strings live until destroy. */
typedef struct trainhost_sample_facts {
  uint32_t struct_size;
  uint32_t uses_random_keys;    /* not 0: the bytes of some sample depend on its random key */
  uint8_t stamp[32];            /* of all that decides the bytes of a sample beside its id and key: plugin, version, config, input */
  trainhost_string description; /* one line for people: which source, of what data */
} trainhost_sample_facts;

#define TRAINHOST_SAMPLE_IDENTITY "trainhost.sample_identity/1"
typedef struct trainhost_sample_identity {
  uint32_t struct_size, reserved;

  /* Describes the samples. The stamp is stricter than the fingerprint of trainhost_source_info, which data keeps that was moved: it is another one whenever
   * any byte of any sample may be another one, so that for files it covers their times of change, and for objects their version. The same answer each time.
   * Failure: nothing is kept. [main] after start */
  trainhost_status (*facts)(trainhost_instance *, trainhost_sample_facts *out, trainhost_error *);
} trainhost_sample_identity;

#ifdef __cplusplus
}
#endif
#endif
