/* Metadata, descriptors and the life of an instance. */
#include "frozen.h"

#define RECORD(variable, kind, name, schema, rest)                                   \
  __attribute__((section(".trainhost.plugin"), used)) static const char variable[] = \
      "{\"abi\":1,\"min_host_minor\":0,\"kind\":\"" kind "\",\"name\":\"" name       \
      "\",\"version\":\"1.0.0\",\"summary\":\"built for ABI 1.0\","                  \
      "\"schema\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{" schema "}},\"torch_build\":null" rest "}"
#define NUMBER(key) "\"" key "\":{\"type\":\"integer\",\"minimum\":1,\"description\":\"a number\"}"

RECORD(policy_record, "precision_policy", "frozen_policy", "", "");
RECORD(accum_record, "accumulation_schedule", "frozen_accum", NUMBER("samples"), "");
RECORD(source_record, "data_source", "frozen_source", NUMBER("samples"), "");
RECORD(relay_record, "data_source", "frozen_relay", "", ",\"decorates\":1,\"needs\":[\"" TRAINHOST_UPSTREAM "\"]");
RECORD(backend_record, "checkpoint_backend", "frozen_backend", "\"uri\":{\"type\":\"string\",\"x-trajectory\":false,\"description\":\"frozen:PATH\"}",
       ",\"schemes\":[\"frozen\"]");
RECORD(rule_record, "stopping_rule", "frozen_rule", NUMBER("windows"), ",\"stateful\":true");
RECORD(rates_record, "lr_schedule", "frozen_rates", "", "");
RECORD(observer_record, "observer", "frozen_observer", "", "");

#define DESCRIPTOR(variable, record, kind, name) \
  static const trainhost_descriptor variable = {sizeof variable, 0, {kind, sizeof kind - 1}, {name, sizeof name - 1}, {record, sizeof record - 1}}
DESCRIPTOR(policy, policy_record, "precision_policy", "frozen_policy");
DESCRIPTOR(accum, accum_record, "accumulation_schedule", "frozen_accum");
DESCRIPTOR(source, source_record, "data_source", "frozen_source");
DESCRIPTOR(relay, relay_record, "data_source", "frozen_relay");
DESCRIPTOR(backend, backend_record, "checkpoint_backend", "frozen_backend");
DESCRIPTOR(rule, rule_record, "stopping_rule", "frozen_rule");
DESCRIPTOR(rates, rates_record, "lr_schedule", "frozen_rates");
DESCRIPTOR(observer, observer_record, "observer", "frozen_observer");

enum { NUM_PLUGINS = 8 };
static const trainhost_descriptor* const descriptors[NUM_PLUGINS] = {&policy, &accum, &source, &relay, &backend, &rule, &rates, &observer};
static const frozen_plugin* const plugins[NUM_PLUGINS] = {&frozen_policy,  &frozen_accum, &frozen_source, &frozen_relay,
                                                          &frozen_backend, &frozen_rule,  &frozen_rates,  &frozen_observer};

static const void* get_interface(trainhost_instance* instance, const char* id) {
  for (const frozen_table* entry = frozen_of(instance)->plugin->tables; entry->id; ++entry)
    if (strcmp(entry->id, id) == 0) return entry->table;
  return NULL;
}

static trainhost_status start(trainhost_instance* instance, trainhost_error* error) {
  frozen* self = frozen_of(instance);
  const trainhost_run* run = (const trainhost_run*)self->host->get_service(self->host, TRAINHOST_RUN);
  const trainhost_run_facts* facts = run ? run->facts(self->host) : NULL;
  if (!facts || !GIVEN(facts)) return TOO_SMALL(error);
  return self->plugin->start ? self->plugin->start(self, error) : TRAINHOST_OK;
}

static void stop(trainhost_instance* instance) {
  frozen* self = frozen_of(instance);
  const trainhost_log* log = (const trainhost_log*)self->host->get_service(self->host, TRAINHOST_LOG);
  char line[96];
  snprintf(line, sizeof line, "called %llu times", (unsigned long long)self->num_calls);
  if (log) log->write(self->host, TRAINHOST_LOG_INFO, text_of(line));
}

static void destroy(trainhost_instance* instance) { free(instance->impl); }

static trainhost_status create(const trainhost_host* host, const trainhost_descriptor* descriptor, trainhost_string config_json, trainhost_instance** out,
                               trainhost_error* error) {
  frozen* self = (frozen*)calloc(1, sizeof *self);
  if (!self || config_json.length >= sizeof self->config || !GIVEN(host)) {
    free(self);
    return fail(error, TRAINHOST_RESOURCE_EXHAUSTED, "no memory, or the config is longer than 1 KiB");
  }
  for (int i = 0; i < NUM_PLUGINS; ++i)
    if (descriptors[i] == descriptor) self->plugin = plugins[i];
  memcpy(self->config, config_json.data, config_json.length);
  self->host = host;
  self->base.struct_size = sizeof self->base;
  self->base.impl = self;
  self->base.get_interface = get_interface;
  self->base.start = start;
  self->base.stop = stop;
  self->base.destroy = destroy;
  *out = &self->base;
  return TRAINHOST_OK;
}

TRAINHOST_EXPORT const trainhost_entry* trainhost_plugin_entry_1(void) {
  static const trainhost_entry entry = {sizeof entry, TRAINHOST_ABI_MAJOR, NUM_PLUGINS, 0, descriptors, create};
  return &entry;
}
