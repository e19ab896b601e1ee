/* An engine's library of another build: the program must see that before it asks it for an engine. */
#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT const char* trainhost_engine_build(void);
EXPORT void* trainhost_make_engine(const void* options);

const char* trainhost_engine_build(void) { return "0.0.9-0123456789ab"; }

void* trainhost_make_engine(const void* options) {
  (void)options;
  abort();
}
