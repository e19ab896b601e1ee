/* A stopping rule in plain C: ends the run when somebody makes a file STOP in its folder. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <trainhost/stopping_rule.h>

#define METADATA                                                                                                                     \
  "{\"abi\":1,\"min_host_minor\":0,\"kind\":\"stopping_rule\",\"name\":\"stopfile\",\"version\":\"1.0.0\","                          \
  "\"summary\":\"stops when a file STOP appears in the run folder\",\"schema\":{\"type\":\"object\",\"additionalProperties\":false," \
  "\"properties\":{}},\"torch_build\":null,\"needs\":[\"" TRAINHOST_RUN "\"],\"schemes\":[],\"decorates\":0,\"stateful\":false}"

/* The very bytes that the descriptor points to; the host reads them without running code. */
__attribute__((section(".trainhost.plugin"), used)) static const char metadata[] = METADATA;

struct stopfile {
  trainhost_instance base;
  const trainhost_host *host;
  char path[4096];
};

static trainhost_status fail(trainhost_error *error, trainhost_status status, const char *words) {
  if (error) error->message_length = (uint32_t)snprintf(error->message, sizeof error->message, "%s", words);
  return status;
}

static trainhost_status start(trainhost_instance *instance, trainhost_error *error) {
  struct stopfile *self = instance->impl;
  const trainhost_run *run = self->host->get_service(self->host, TRAINHOST_RUN);
  const trainhost_run_facts *facts = run->facts(self->host);
  const int length = snprintf(self->path, sizeof self->path, "%.*s/STOP", (int)facts->run_folder.length, facts->run_folder.data);
  if (length >= (int)sizeof self->path) return fail(error, TRAINHOST_INVALID_ARGUMENT, "the path of the run folder is longer than 4 KiB; use a shorter --out");
  return TRAINHOST_OK;
}

static trainhost_status check(trainhost_instance *instance, const trainhost_progress *progress, const trainhost_metric *metrics, uint64_t num_metrics,
                              trainhost_verdict *verdict, trainhost_error *error) {
  const struct stopfile *self = instance->impl;
  (void)metrics, (void)num_metrics, (void)error;
  if (access(self->path, F_OK) != 0) return TRAINHOST_OK;
  verdict->stop = TRAINHOST_STOP_DONE;
  verdict->reason_length = (uint32_t)snprintf(verdict->reason, sizeof verdict->reason, "the file STOP was seen after window %llu", (unsigned long long)progress->windows);
  return TRAINHOST_OK;
}

static const trainhost_stopping_rule rule_table = {sizeof rule_table, 0, check};

static const void *get_interface(trainhost_instance *instance, const char *id) {
  (void)instance;
  return strcmp(id, TRAINHOST_STOPPING_RULE) == 0 ? &rule_table : NULL;
}

static void destroy(trainhost_instance *instance) { free(instance->impl); }

static trainhost_status create(const trainhost_host *host, const trainhost_descriptor *descriptor, trainhost_string config_json, trainhost_instance **out,
                               trainhost_error *error) {
  (void)descriptor, (void)config_json; /* no keys: the host has made sure that it is {} */
  struct stopfile *self = calloc(1, sizeof *self);
  if (!self) return fail(error, TRAINHOST_RESOURCE_EXHAUSTED, "out of host memory");
  self->base.struct_size = sizeof self->base;
  self->base.impl = self;
  self->base.get_interface = get_interface;
  self->base.start = start;
  self->base.destroy = destroy;
  self->host = host;
  *out = &self->base;
  return TRAINHOST_OK;
}

static const trainhost_descriptor descriptor = {sizeof descriptor, 0, {"stopping_rule", 13}, {"stopfile", 8}, {metadata, sizeof metadata - 1}};
static const trainhost_descriptor *const descriptors[] = {&descriptor};
static const trainhost_entry entry = {sizeof entry, TRAINHOST_ABI_MAJOR, 1, 0, descriptors, create};

TRAINHOST_EXPORT const trainhost_entry *trainhost_plugin_entry_1(void) { return &entry; }
