/* Plugins of somebody who has the SDK of the pretended next minor. One source, built for several oldest hosts: with TRAINHOST_TARGET_MINOR at that minor it
 * uses what is new, with a lower one nothing new is declared. STATED_MINOR is the oldest host that its metadata asks for.
 *
 * "reckless" in the config makes it touch the new field of every struct, whether the caller gave that much or not; "expect" is what it must find there. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trainhost/accumulation_schedule.h>
#include <trainhost/checkpoint_backend.h>
#include <trainhost/data_source.h>
#include <trainhost/lr_schedule.h>
#include <trainhost/observer.h>
#include <trainhost/precision_policy.h>
#include <trainhost/stopping_rule.h>

#define QUOTED_(x) #x
#define QUOTED(x) QUOTED_(x)
#define RECORD(variable, kind, name)                                                                                                                   \
  __attribute__((section(".trainhost.plugin"), used)) static const char variable[] =                                                                   \
      "{\"abi\":1,\"min_host_minor\":" QUOTED(STATED_MINOR) ",\"kind\":\"" kind "\",\"name\":\"" name "\",\"version\":\"1.0.0\",\"summary\":\"new\"}"; \
  static const trainhost_descriptor variable##_descriptor = {                                                                                          \
      sizeof variable##_descriptor, 0, {kind, sizeof kind - 1}, {name, sizeof name - 1}, {variable, sizeof variable - 1}}
RECORD(policy, "precision_policy", "next_policy");
RECORD(accum, "accumulation_schedule", "next_accum");
RECORD(source, "data_source", "next_source");
RECORD(backend, "checkpoint_backend", "next_backend");
RECORD(rule, "stopping_rule", "next_rule");
RECORD(rates, "lr_schedule", "next_rates");
RECORD(observer, "observer", "next_observer");
static const trainhost_descriptor* const descriptors[] = {&policy_descriptor, &accum_descriptor, &source_descriptor,  &backend_descriptor,
                                                          &rule_descriptor,   &rates_descriptor, &observer_descriptor};

typedef struct next {
  trainhost_instance base;
  const trainhost_host* host;
  int is_reckless;
  uint64_t expected, num_checks;
} next;

static next* next_of(trainhost_instance* instance) { return (next*)instance->impl; }

static trainhost_status fail(trainhost_error* error, trainhost_status status, const char* words) {
  if (error) error->message_length = (uint32_t)snprintf(error->message, sizeof error->message, "%s", words);
  return status;
}

#if TRAINHOST_TARGET_MINOR >= TRAINHOST_ABI_MINOR
#define IS_GIVEN(self, pointer) ((self)->is_reckless || (pointer)->struct_size >= offsetof(__typeof__(*(pointer)), pretended) + sizeof(pointer)->pretended)
#define READ_NEW(self, pointer) (IS_GIVEN(self, pointer) ? (pointer)->pretended : 0)
#define WRITE_NEW(self, pointer, value) (IS_GIVEN(self, pointer) ? (void)((pointer)->pretended = (value)) : (void)0)

static uint64_t answer_of_service(const next* self) {
  const trainhost_pretended* service = (const trainhost_pretended*)self->host->get_service(self->host, TRAINHOST_PRETENDED);
  return service ? service->answer(self->host) : 0;
}
#else
#define READ_NEW(self, pointer) ((void)(pointer), (self)->expected)
#define WRITE_NEW(self, pointer, value) ((void)(self), (void)(pointer))
#endif

#define CHECKED(self, pointer, error) \
  (READ_NEW(self, pointer) == (self)->expected ? TRAINHOST_OK : fail(error, TRAINHOST_OUT_OF_RANGE, "not what was expected"))

/* ---- what the host gives is read, what it wants is written ---- */
static trainhost_status start(trainhost_instance* instance, trainhost_error* error) {
  next* self = next_of(instance);
  const trainhost_run* run = (const trainhost_run*)self->host->get_service(self->host, TRAINHOST_RUN);
  return CHECKED(self, run->facts(self->host), error);
}

static trainhost_status plan(trainhost_instance* instance, const trainhost_device_facts* device, trainhost_precision_plan* in_out, trainhost_error* error) {
  next* self = next_of(instance);
  WRITE_NEW(self, in_out, 43);
  return CHECKED(self, device, error);
}

static trainhost_status next_window(trainhost_instance* instance, const trainhost_progress* progress, trainhost_window* in_out, trainhost_error* error) {
  next* self = next_of(instance);
  const trainhost_memory* memory = (const trainhost_memory*)self->host->get_service(self->host, TRAINHOST_MEMORY);
  trainhost_probe probe;
  trainhost_status status;
  memset(&probe, 0, sizeof probe);
  probe.struct_size = sizeof probe;
  status = memory->probe(self->host, 4, &probe, error);
  if (status != TRAINHOST_OK) return status;
  in_out->micro_batch_samples = probe.fits ? 4 : 1;
  in_out->num_micro_batches = 2;
  WRITE_NEW(self, in_out, 43);
  return CHECKED(self, progress, error);
}

static trainhost_status out_of_memory(trainhost_instance* instance, const trainhost_window* failed, uint64_t attempt, uint64_t* samples,
                                      trainhost_error* error) {
  *samples = attempt;
  return CHECKED(next_of(instance), failed, error);
}

static trainhost_status info(trainhost_instance* instance, trainhost_source_info* out, trainhost_error* error) {
  (void)error;
  WRITE_NEW(next_of(instance), out, 43);
  return TRAINHOST_OK;
}

static trainhost_status read_samples(trainhost_instance* instance, const trainhost_read* wanted, const trainhost_batch_writer* writer, trainhost_error* error) {
  (void)writer;
  return CHECKED(next_of(instance), wanted, error);
}

static trainhost_status factors(trainhost_instance* instance, const trainhost_progress* at, const double* fractions, uint64_t num_steps, double* out,
                                trainhost_error* error) {
  (void)fractions;
  for (uint64_t i = 0; i < num_steps; ++i) out[i] = 1;
  return CHECKED(next_of(instance), at, error);
}

static trainhost_status on_event(trainhost_instance* instance, const trainhost_event* event, trainhost_error* error) {
  return CHECKED(next_of(instance), event, error);
}

static trainhost_status check(trainhost_instance* instance, const trainhost_progress* progress, const trainhost_metric* metrics, uint64_t num_metrics,
                              trainhost_verdict* verdict, trainhost_error* error) {
  next* self = next_of(instance);
  (void)metrics, (void)num_metrics;
  ++self->num_checks;
#if TRAINHOST_TARGET_MINOR >= TRAINHOST_ABI_MINOR
  verdict->stop = TRAINHOST_STOP_PRETENDED;
  verdict->reason_length = (uint32_t)snprintf(verdict->reason, sizeof verdict->reason, "progress %u, service %u", (unsigned)READ_NEW(self, progress),
                                              (unsigned)answer_of_service(self));
#else
  verdict->stop = TRAINHOST_STOP_DONE;
  verdict->reason_length = (uint32_t)snprintf(verdict->reason, sizeof verdict->reason, "nothing new is declared");
#endif
  return CHECKED(self, progress, error);
}

/* ---- what the host is given ---- */
static trainhost_status list(trainhost_instance* instance, trainhost_string prefix, void* context, int32_t (*visit)(void*, const trainhost_object*),
                             trainhost_error* error) {
  trainhost_object object;
  (void)instance, (void)prefix, (void)error;
  memset(&object, 0, sizeof object);
  object.struct_size = sizeof object;
  object.key.data = "key";
  object.key.length = 3;
  object.size = 5;
  visit(context, &object);
  return TRAINHOST_OK;
}

static trainhost_status put_begin(trainhost_instance* instance, trainhost_string key, uint64_t size, uint64_t* part_bytes, trainhost_put** put,
                                  trainhost_error* error) {
  return (void)instance, (void)key, (void)size, (void)part_bytes, (void)put, fail(error, TRAINHOST_UNIMPLEMENTED, "only lists");
}
static trainhost_status put_part(trainhost_put* put, uint64_t offset, const void* bytes, uint64_t size, uint32_t crc32c, trainhost_error* error) {
  return (void)put, (void)offset, (void)bytes, (void)size, (void)crc32c, fail(error, TRAINHOST_UNIMPLEMENTED, "only lists");
}
static trainhost_status put_commit(trainhost_put* put, trainhost_error* error) { return (void)put, fail(error, TRAINHOST_UNIMPLEMENTED, "only lists"); }
static void put_abort(trainhost_put* put) { (void)put; }
static trainhost_status create_object(trainhost_instance* instance, trainhost_string key, const void* bytes, uint64_t size, trainhost_error* error) {
  return (void)instance, (void)key, (void)bytes, (void)size, fail(error, TRAINHOST_UNIMPLEMENTED, "only lists");
}
static trainhost_status get(trainhost_instance* instance, trainhost_string key, uint64_t offset, void* out, uint64_t size, uint64_t* got,
                            trainhost_error* error) {
  return (void)instance, (void)key, (void)offset, (void)out, (void)size, (void)got, fail(error, TRAINHOST_NOT_FOUND, "only lists");
}
static trainhost_status remove_object(trainhost_instance* instance, trainhost_string key, trainhost_error* error) {
  return (void)instance, (void)key, fail(error, TRAINHOST_UNIMPLEMENTED, "only lists");
}

/* ---- life ---- */
#if TRAINHOST_TARGET_MINOR >= TRAINHOST_ABI_MINOR
static uint64_t count(trainhost_instance* instance) { return next_of(instance)->num_checks; }
static const trainhost_pretended_rule pretended_rule = {sizeof pretended_rule, 0, count};
#endif

/* Every instance has the tables of all kinds: what it is asked for is its kind's. */
static const void* get_interface(trainhost_instance* instance, const char* id) {
  static const trainhost_precision_policy policy_table = {sizeof policy_table, 0, plan};
  static const trainhost_accumulation_schedule accum_table = {sizeof accum_table, 0, next_window, out_of_memory};
  static const trainhost_data_source source_table = {sizeof source_table, 0, info, read_samples};
  static const trainhost_checkpoint_backend backend_table = {sizeof backend_table, 0,   put_begin, put_part,     put_commit, put_abort,
                                                             create_object,        get, list,      remove_object};
  static const trainhost_stopping_rule rule_table = {sizeof rule_table, 0, check};
  static const trainhost_lr_schedule rates_table = {sizeof rates_table, 0, NULL, factors};
  static const trainhost_observer observer_table = {sizeof observer_table, 0, on_event};
  const struct {
    const char* id;
    const void* table;
  } tables[] = {
    {TRAINHOST_PRECISION_POLICY, &policy_table},
    {TRAINHOST_ACCUMULATION_SCHEDULE, &accum_table},
    {TRAINHOST_DATA_SOURCE, &source_table},
    {TRAINHOST_CHECKPOINT_BACKEND, &backend_table},
    {TRAINHOST_STOPPING_RULE, &rule_table},
    {TRAINHOST_LR_SCHEDULE, &rates_table},
#if TRAINHOST_TARGET_MINOR >= TRAINHOST_ABI_MINOR
    {TRAINHOST_PRETENDED_RULE, &pretended_rule},
#endif
    {TRAINHOST_OBSERVER, &observer_table}
  };
  (void)instance;
  for (size_t i = 0; i < sizeof tables / sizeof tables[0]; ++i)
    if (strcmp(tables[i].id, id) == 0) return tables[i].table;
  return NULL;
}

static void destroy(trainhost_instance* instance) { free(instance->impl); }

static trainhost_status create(const trainhost_host* host, const trainhost_descriptor* descriptor, trainhost_string config_json, trainhost_instance** out,
                               trainhost_error* error) {
  next* self = (next*)calloc(1, sizeof *self);
  char config[256];
  const char* expected;
  (void)descriptor, (void)error;
  snprintf(config, sizeof config, "%.*s", (int)config_json.length, config_json.data);
  expected = strstr(config, "\"expect\":");
  self->expected = expected ? strtoull(expected + strlen("\"expect\":"), NULL, 10) : 0;
  self->is_reckless = strstr(config, "reckless") != NULL;
  self->host = host;
  self->base.struct_size = sizeof self->base;
  self->base.impl = self;
  self->base.get_interface = get_interface;
  self->base.start = start;
  self->base.destroy = destroy;
  *out = &self->base;
  return TRAINHOST_OK;
}

TRAINHOST_EXPORT const trainhost_entry* trainhost_plugin_entry_1(void) {
  static const trainhost_entry entry = {sizeof entry, TRAINHOST_ABI_MAJOR, sizeof descriptors / sizeof descriptors[0], 0, descriptors, create};
  return &entry;
}
