/* For data sources that do more than read: says where the time of a read goes, so that a run that waits for data can say for what. */
#ifndef TRAINHOST_DATA_STAGES_H
#define TRAINHOST_DATA_STAGES_H

#include "trainhost/host.h"

#ifdef __cplusplus
extern "C" {
#endif

/* READ: fetching bytes, and all that a source does not say. DECODE: turning stored bytes into values, such as pixels, rows or tokens. TRANSFORM: changing
 * decoded values, such as resizing or cropping. A value that the host does not know counts as READ. */
enum { TRAINHOST_STAGE_READ = 0, TRAINHOST_STAGE_DECODE = 1, TRAINHOST_STAGE_TRANSFORM = 2 };

#define TRAINHOST_DATA_STAGES "trainhost.data_stages/1"
typedef struct trainhost_data_stages {
  uint32_t struct_size, reserved;

  /* So many nanoseconds of the read that the calling thread is in belong to this stage. Outside of a read, such as on a thread of the source's own, it does
   * nothing: what a read waits for on other threads is said by the thread that waits. Costs some nanoseconds; cannot fail. [any] */
  void (*add)(const trainhost_host *, int32_t stage, uint64_t nanoseconds);
} trainhost_data_stages;

#ifdef __cplusplus
}
#endif
#endif
