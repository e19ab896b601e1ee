/* What all plugins of the zoo share: an instance that writes down its calls, and misbehaves as its config says.
 *
 * The config is searched for words, not parsed: {"behaviour":"throws"} makes is_told(zoo, "throws") true. "trace" holds the address of a buffer in the
 * test program; each call appends its name there. */
#ifndef TRAINHOST_ZOO_H
#define TRAINHOST_ZOO_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trainhost/observer.h>
#include <trainhost/plugin.h>
#include <trainhost/state.h>

typedef struct zoo {
  trainhost_instance base;
  const trainhost_host *host;
  uint64_t counter;
  char *trace;
  char config[512];
} zoo;

static inline zoo *zoo_of(trainhost_instance *instance) { return (zoo *)instance->impl; }

static inline int is_told(const zoo *self, const char *word) { return strstr(self->config, word) != NULL; }

static inline void note(zoo *self, const char *call) {
  if (self->trace) strcat(strcat(self->trace, call), " ");
}

static inline trainhost_string text_of(const char *text) {
  const trainhost_string string = {text, strlen(text)};
  return string;
}

static inline trainhost_status say(trainhost_error *error, trainhost_status status, const char *words) {
  if (error) error->message_length = (uint32_t)snprintf(error->message, sizeof error->message, "%s", words);
  return status;
}

static inline trainhost_status zoo_start(trainhost_instance *instance, trainhost_error *error) {
  note(zoo_of(instance), "start");
  if (is_told(zoo_of(instance), "start_fails")) return say(error, TRAINHOST_UNAVAILABLE, "the door is closed");
  return TRAINHOST_OK;
}

static inline void zoo_stop(trainhost_instance *instance) { note(zoo_of(instance), "stop"); }

static inline void zoo_destroy(trainhost_instance *instance) {
  note(zoo_of(instance), "destroy");
  free(instance->impl);
}

static inline trainhost_status zoo_save_in_pieces(zoo *self, const trainhost_writer *writer, trainhost_error *error) {
  static const uint64_t sizes[] = {0, 1, 2, 0, 5};
  const char *bytes = (const char *)&self->counter;
  for (int i = 0; i < 5; bytes += sizes[i++]) {
    const trainhost_status status = writer->write(writer->impl, bytes, sizes[i], error);
    if (status != TRAINHOST_OK) return status;
  }
  return TRAINHOST_OK;
}

static inline trainhost_status zoo_save(trainhost_instance *instance, const trainhost_writer *writer, trainhost_error *error) {
  static const char block[1 << 16];
  zoo *self = zoo_of(instance);
  note(self, "save");
  if (is_told(self, "big_state"))
    for (int i = 0; i < 257; ++i) {
      const trainhost_status status = writer->write(writer->impl, block, sizeof block, error);
      if (status != TRAINHOST_OK) return is_told(self, "denies") ? TRAINHOST_OK : status;
    }
  if (is_told(self, "in_pieces")) return zoo_save_in_pieces(self, writer, error);
  return writer->write(writer->impl, &self->counter, sizeof self->counter, error);
}

static inline trainhost_status zoo_load(trainhost_instance *instance, trainhost_string version, const void *bytes, uint64_t size, trainhost_error *error) {
  zoo *self = zoo_of(instance);
  note(self, "load");
  if (size != sizeof self->counter) return say(error, TRAINHOST_DATA_LOSS, "the state is cut");
  if (version.length == 0) return say(error, TRAINHOST_FAILED_PRECONDITION, "no version");
  memcpy(&self->counter, bytes, size);
  return TRAINHOST_OK;
}

static const trainhost_state zoo_state = {sizeof(trainhost_state), 0, zoo_save, zoo_load};

/* The instance that every create makes; the caller sets get_interface. */
static inline zoo *zoo_new(const trainhost_host *host, trainhost_string config) {
  zoo *self = (zoo *)calloc(1, sizeof *self);
  const char *address;
  self->base.struct_size = sizeof self->base;
  self->base.impl = self;
  self->base.start = zoo_start;
  self->base.stop = zoo_stop;
  self->base.destroy = zoo_destroy;
  self->host = host;
  memcpy(self->config, config.data, config.length < sizeof self->config ? config.length : sizeof self->config - 1);
  address = strstr(self->config, "\"trace\":");
  if (address) self->trace = (char *)(uintptr_t)strtoull(address + 8, NULL, 10);
  note(self, "create");
  return self;
}

#define ZOO_RECORD __attribute__((section(".trainhost.plugin"), used)) static const char
#define ZOO_QUOTED_(x) #x
#define ZOO_QUOTED(x) ZOO_QUOTED_(x)

#endif
