/* Plugins of every T0 kind as somebody wrote them for ABI 1.0: built against the headers of that release beside this file, and never changed again.
 *
 * This header: the instance that all of them share. It takes a struct only when the host gave at least what 1.0 declares of it, and hands out structs that grow
 * before a fence, so that a host that believes in more than 1.0 declares is found out. */
#ifndef FROZEN_H
#define FROZEN_H

#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trainhost/accumulation_schedule.h>
#include <trainhost/checkpoint_copies.h>
#include <trainhost/data_source.h>
#include <trainhost/lr_schedule.h>
#include <trainhost/observer.h>
#include <trainhost/precision_policy.h>
#include <trainhost/report.h>
#include <trainhost/state.h>
#include <trainhost/stopping_rule.h>

#include "../fence.h"

typedef struct frozen_plugin frozen_plugin;

typedef struct frozen {
  trainhost_instance base;
  const trainhost_host* host;
  const frozen_plugin* plugin;
  char config[1024];
  uint64_t num_calls; /* the state of those that have one */
  int folder;         /* of the checkpoint backend */
} frozen;

typedef struct frozen_table {
  const char* id;
  const void* table;
} frozen_table;

struct frozen_plugin {
  const char* name;
  trainhost_status (*start)(frozen*, trainhost_error*); /* NULL allowed */
  frozen_table tables[5];                               /* up to the first without an id */
};

extern const frozen_plugin frozen_policy, frozen_accum, frozen_source, frozen_relay, frozen_backend, frozen_rule, frozen_rates, frozen_observer;

static inline frozen* frozen_of(trainhost_instance* instance) { return (frozen*)instance->impl; }

static inline trainhost_string text_of(const char* text) {
  const trainhost_string string = {text, strlen(text)};
  return string;
}

static inline trainhost_status fail(trainhost_error* error, trainhost_status status, const char* words) {
  if (error) error->message_length = (uint32_t)snprintf(error->message, sizeof error->message, "%s", words);
  return status;
}

/* The number behind a key of the config. */
static inline uint64_t number_of(const frozen* self, const char* key, uint64_t otherwise) {
  char quoted[64];
  const char* found;
  snprintf(quoted, sizeof quoted, "\"%s\":", key);
  found = strstr(self->config, quoted);
  return found ? strtoull(found + strlen(quoted), NULL, 10) : otherwise;
}

#define GIVEN(pointer) ((pointer)->struct_size >= sizeof *(pointer))
#define TOO_SMALL(error) fail(error, TRAINHOST_INTERNAL, "the host gave less than ABI 1.0 declares")

#endif
