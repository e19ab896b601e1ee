/* One plugin of each other T0 kind in one file, and a decorator of sources; their configs tell them to misbehave. */
#include <math.h>
#include <pthread.h>

#include <trainhost/accumulation_schedule.h>
#include <trainhost/checkpoint_backend.h>
#include <trainhost/data_source.h>
#include <trainhost/lr_schedule.h>
#include <trainhost/precision_policy.h>

#include "zoo.h"

#define RECORD(variable, kind, name, rest) \
  ZOO_RECORD variable[] = "{\"abi\":1,\"kind\":\"" kind "\",\"name\":\"" name "\",\"version\":\"1.0.0\",\"summary\":\"Of the zoo\"" rest "}"
RECORD(policy_record, "precision_policy", "zoo_policy", "");
RECORD(schedule_record, "accumulation_schedule", "zoo_accum", ",\"needs\":[\"trainhost.memory/1\"]");
RECORD(source_record, "data_source", "zoo_source", "");
RECORD(wrapper_record, "data_source", "zoo_wrapper", ",\"decorates\":1");
RECORD(backend_record, "checkpoint_backend", "zoo_backend", ",\"schemes\":[\"zoo\",\"menagerie\"]");
RECORD(rates_record, "lr_schedule", "zoo_rates", "");

/* ---- precision policy ---- */
static trainhost_status plan(trainhost_instance *instance, const trainhost_device_facts *device, trainhost_precision_plan *out, trainhost_error *error) {
  zoo *self = zoo_of(instance);
  const trainhost_dtype half = {TRAINHOST_DTYPE_FLOAT, 16, 1}, whole = {TRAINHOST_DTYPE_INT, 8, 1};
  if (device->device_type != TRAINHOST_DEVICE_CUDA) return say(error, TRAINHOST_FAILED_PRECONDITION, "needs a GPU");
  out->compute = is_told(self, "integers") ? whole : half;
  out->flags = is_told(self, "odd_flag") ? 64 : TRAINHOST_PRECISION_AUTOCAST;
  out->scale_mode = TRAINHOST_SCALE_DEVICE;
  if (is_told(self, "bad_scale")) out->initial_scale = NAN;
  if (is_told(self, "bad_backoff")) out->backoff_factor = 1;
  return TRAINHOST_OK;
}

static trainhost_status format_of(trainhost_instance *instance, trainhost_string layer, int32_t role, trainhost_dtype *in_out, trainhost_error *error) {
  (void)instance, (void)error;
  if (layer.length == 4 && role == TRAINHOST_ROLE_WEIGHT) in_out->code = TRAINHOST_DTYPE_FLOAT8_E5M2, in_out->bits = 8;
  return TRAINHOST_OK;
}

/* ---- accumulation schedule ---- */
/* What a thread of the plugin's own is told when it asks for a trial. */
struct elsewhere {
  const trainhost_host *host;
  trainhost_status status;
  trainhost_error *error;
};

static void *probe_elsewhere(void *argument) {
  struct elsewhere *here = (struct elsewhere *)argument;
  trainhost_probe probe = {sizeof probe, 0, 0, 0, 0};
  here->status = ((const trainhost_memory *)here->host->get_service(here->host, TRAINHOST_MEMORY))->probe(here->host, 8, &probe, here->error);
  return NULL;
}

static trainhost_status next_window(trainhost_instance *instance, const trainhost_progress *progress, trainhost_window *in_out, trainhost_error *error) {
  zoo *self = zoo_of(instance);
  const trainhost_memory *memory = (const trainhost_memory *)self->host->get_service(self->host, TRAINHOST_MEMORY);
  trainhost_probe probe = {sizeof probe, 0, 0, 0, 0};
  (void)progress;
  note(self, "next_window");
  if (is_told(self, "does_nothing")) return TRAINHOST_OK;
  if (is_told(self, "probes_elsewhere")) {
    struct elsewhere here = {self->host, TRAINHOST_OK, error};
    pthread_t thread;
    pthread_create(&thread, NULL, probe_elsewhere, &here);
    pthread_join(thread, NULL);
    return here.status;
  }
  if (memory->probe(self->host, 8, &probe, error) != TRAINHOST_OK) return TRAINHOST_INTERNAL;
  in_out->micro_batch_samples = is_told(self, "zero_samples") ? 0 : probe.fits ? 8 : 4;
  in_out->num_micro_batches = is_told(self, "no_target") ? 0 : 2;
  if (is_told(self, "two_targets")) in_out->target_tokens = 5;
  return TRAINHOST_OK;
}

static trainhost_status out_of_memory(trainhost_instance *instance, const trainhost_window *failed, uint64_t attempt, uint64_t *samples,
                                      trainhost_error *error) {
  zoo *self = zoo_of(instance);
  const trainhost_memory *memory = (const trainhost_memory *)self->host->get_service(self->host, TRAINHOST_MEMORY);
  trainhost_probe probe = {sizeof probe, 0, 0, 0, 0};
  (void)attempt;
  if (is_told(self, "probes_late")) return memory->probe(self->host, 8, &probe, error);
  if (failed->micro_batch_samples == 1) return say(error, TRAINHOST_RESOURCE_EXHAUSTED, "one sample does not fit");
  *samples = is_told(self, "stubborn") ? failed->micro_batch_samples : failed->micro_batch_samples / 2;
  return TRAINHOST_OK;
}

/* ---- data source ---- */
static const uint64_t blocks[] = {0, 4, 7}, bad_blocks[] = {0, 4, 4};
static const trainhost_field tokens_field = {sizeof tokens_field, TRAINHOST_FIELD_INPUT, {"tokens", 6}, {TRAINHOST_DTYPE_INT, 64, 1}, 1, {-1}, {16}, 256, 0};
static const trainhost_field label_field = {sizeof label_field, TRAINHOST_FIELD_TARGET, {"label", 5}, {TRAINHOST_DTYPE_UINT, 8, 1}, 0, {0}, {0}, 10, -1};
static const trainhost_field bad_field = {sizeof bad_field, TRAINHOST_FIELD_INPUT, {"wide", 4}, {TRAINHOST_DTYPE_FLOAT, 32, 1}, 2, {1 << 30, 1 << 30}, {0}, 0, 0};
static const trainhost_field *const fields[] = {&tokens_field, &label_field}, *const twins[] = {&label_field, &label_field},
                                            *const bad_fields[] = {&bad_field}, *const no_fields[] = {NULL};

static trainhost_status info(trainhost_instance *instance, trainhost_source_info *out, trainhost_error *error) {
  zoo *self = zoo_of(instance);
  note(self, "info");
  (void)error;
  out->num_fields = is_told(self, "too_many_fields") ? 65 : is_told(self, "null_field") || is_told(self, "wide_field") ? 1 : 2;
  out->fields = is_told(self, "wide_field") ? bad_fields : is_told(self, "twin_fields") ? twins : is_told(self, "null_field") ? no_fields : fields;
  out->num_samples = is_told(self, "empty") ? 0 : 10;
  out->num_blocks = 3;
  out->block_starts = is_told(self, "bad_blocks") ? bad_blocks : blocks;
  out->fingerprint[31] = 7;
  return TRAINHOST_OK;
}

static trainhost_status read_one(zoo *self, const trainhost_read *wanted, uint64_t i, const trainhost_batch_writer *writer, trainhost_error *error) {
  int64_t length[1] = {(int64_t)(wanted->ids[i] % 4) + 1};
  trainhost_tensor place;
  trainhost_status status;
  if (is_told(self, "too_long")) length[0] = 17;
  status = writer->reserve(writer->impl, i, 0, length, &place, error);
  if (status != TRAINHOST_OK) return is_told(self, "denies") ? TRAINHOST_OK : status;
  for (int64_t k = 0; k < length[0]; ++k) ((int64_t *)place.data)[k] = (int64_t)wanted->random_keys[i];
  status = writer->reserve(writer->impl, i, is_told(self, "third_field") ? 2 : 1, NULL, &place, error);
  if (status == TRAINHOST_OK) *(uint8_t *)place.data = (uint8_t)wanted->ids[i];
  return status;
}

static trainhost_status read_samples(trainhost_instance *instance, const trainhost_read *wanted, const trainhost_batch_writer *writer,
                                     trainhost_error *error) {
  zoo *self = zoo_of(instance);
  const trainhost_call *call = (const trainhost_call *)self->host->get_service(self->host, TRAINHOST_CALL);
  if (call->is_cancelled(self->host)) return say(error, TRAINHOST_CANCELLED, "gave up");
  if (call->deadline_ns(self->host) == 1) return say(error, TRAINHOST_DEADLINE_EXCEEDED, "too late");
  if (is_told(self, "damaged")) return say(error, TRAINHOST_DATA_LOSS, "shard 3 is cut");
  for (uint64_t i = 0; i < wanted->num_samples; ++i) {
    const trainhost_status status = read_one(self, wanted, i, writer, error);
    if (status != TRAINHOST_OK) return status;
  }
  return TRAINHOST_OK;
}

static trainhost_status lengths(trainhost_instance *instance, const uint64_t *ids, uint64_t num_ids, uint64_t *out, trainhost_error *error) {
  (void)instance, (void)error;
  for (uint64_t i = 0; i < num_ids; ++i) out[i] = ids[i] % 4 + 1;
  return TRAINHOST_OK;
}

/* Each byte becomes 40 tokens, so that the host's first guess is too small. */
static trainhost_status encode(trainhost_instance *instance, trainhost_string text, int64_t *out, uint64_t capacity, uint64_t *written, trainhost_error *error) {
  (void)error;
  *written = text.length * 40 + (is_told(zoo_of(instance), "unsteady") ? capacity : 0);
  for (uint64_t i = 0; i < text.length * 40 && i < capacity; ++i) out[i] = text.data[i / 40];
  return TRAINHOST_OK;
}

static trainhost_status decode(trainhost_instance *instance, const int64_t *tokens, uint64_t n, char *out, uint64_t capacity, uint64_t *written,
                               trainhost_error *error) {
  (void)instance, (void)error;
  *written = n;
  for (uint64_t i = 0; i < n && i < capacity; ++i) out[i] = (char)tokens[i];
  return TRAINHOST_OK;
}

/* ---- the decorator: passes everything on ---- */
static trainhost_instance *upstream_of(zoo *self) {
  const trainhost_upstream *upstream = (const trainhost_upstream *)self->host->get_service(self->host, TRAINHOST_UPSTREAM);
  return upstream->num_upstreams == 1 && !upstream->at(self->host, 1) ? upstream->at(self->host, 0) : NULL;
}

static trainhost_status wrapped_info(trainhost_instance *instance, trainhost_source_info *out, trainhost_error *error) {
  trainhost_instance *inner = upstream_of(zoo_of(instance));
  const trainhost_data_source *source = (const trainhost_data_source *)inner->get_interface(inner, TRAINHOST_DATA_SOURCE);
  note(zoo_of(instance), "wrapped_info");
  return source->info(inner, out, error);
}

static trainhost_status wrapped_read(trainhost_instance *instance, const trainhost_read *wanted, const trainhost_batch_writer *writer, trainhost_error *error) {
  trainhost_instance *inner = upstream_of(zoo_of(instance));
  return ((const trainhost_data_source *)inner->get_interface(inner, TRAINHOST_DATA_SOURCE))->read(inner, wanted, writer, error);
}

/* ---- checkpoint backend: one object in memory ---- */
struct trainhost_put { zoo *self; };

static trainhost_status put_begin(trainhost_instance *instance, trainhost_string key, uint64_t size, uint64_t *part_bytes, trainhost_put **put,
                                  trainhost_error *error) {
  zoo *self = zoo_of(instance);
  (void)key, (void)size;
  note(self, "put_begin");
  if (is_told(self, "full")) return say(error, TRAINHOST_RESOURCE_EXHAUSTED, "no space left");
  if (is_told(self, "no_put")) return TRAINHOST_OK;
  *put = (trainhost_put *)malloc(sizeof **put);
  (*put)->self = self;
  *part_bytes = is_told(self, "odd_parts") ? 1000 : 4096;
  return TRAINHOST_OK;
}

static trainhost_status put_part(trainhost_put *put, uint64_t offset, const void *bytes, uint64_t size, uint32_t crc32c, trainhost_error *error) {
  (void)bytes, (void)size, (void)crc32c;
  note(put->self, "put_part");
  return offset == 8192 ? say(error, TRAINHOST_UNAVAILABLE, "try again") : TRAINHOST_OK;
}

static trainhost_status put_commit(trainhost_put *put, trainhost_error *error) {
  zoo *self = put->self;
  free(put);
  note(self, "put_commit");
  return is_told(self, "no_commit") ? say(error, TRAINHOST_UNAVAILABLE, "lost the answer") : TRAINHOST_OK;
}

static void put_abort(trainhost_put *put) {
  note(put->self, "put_abort");
  free(put);
}

static trainhost_status create_object(trainhost_instance *instance, trainhost_string key, const void *bytes, uint64_t size, trainhost_error *error) {
  (void)instance, (void)bytes, (void)size;
  return key.data[0] == 't' ? say(error, TRAINHOST_ALREADY_EXISTS, "taken") : TRAINHOST_OK;
}

static trainhost_status get(trainhost_instance *instance, trainhost_string key, uint64_t offset, void *out, uint64_t size, uint64_t *got,
                            trainhost_error *error) {
  if (key.data[0] != 't') return say(error, TRAINHOST_NOT_FOUND, "no such object");
  memset(out, 'z', size < 4 ? size : 4);
  *got = is_told(zoo_of(instance), "greedy") ? size + 1 : offset == 0 && size > 4 ? 4 : 0;
  return TRAINHOST_OK;
}

static trainhost_status list(trainhost_instance *instance, trainhost_string prefix, void *context, int32_t (*visit)(void *, const trainhost_object *),
                             trainhost_error *error) {
  zoo *self = zoo_of(instance);
  trainhost_object object = {sizeof object, 0, {"runs/b", 6}, 5, 123};
  (void)prefix, (void)error;
  if (is_told(self, "unsorted") && visit(context, &object)) return TRAINHOST_OK;
  object.key = text_of(is_told(self, "elsewhere") ? "walks/a" : "runs/a");
  if (visit(context, &object)) return TRAINHOST_OK;
  object.key = text_of("runs/b");
  visit(context, &object);
  return TRAINHOST_OK;
}

static trainhost_status remove_object(trainhost_instance *instance, trainhost_string key, trainhost_error *error) {
  (void)instance, (void)key;
  return say(error, TRAINHOST_PERMISSION_DENIED, "read-only");
}

/* ---- learning-rate schedule ---- */
static trainhost_status update(trainhost_instance *instance, const trainhost_progress *progress, const trainhost_metric *metrics, uint64_t num_metrics,
                               uint32_t *is_changed, trainhost_error *error) {
  (void)instance, (void)progress, (void)error;
  *is_changed = num_metrics == 1 && metrics[0].value > 1;
  return TRAINHOST_OK;
}

static trainhost_status factors(trainhost_instance *instance, const trainhost_progress *at, const double *fractions, uint64_t num_steps, double *out,
                                trainhost_error *error) {
  zoo *self = zoo_of(instance);
  (void)at;
  if (is_told(self, "does_nothing")) return TRAINHOST_OK;
  for (uint64_t i = 0; i < num_steps; ++i) {
    if (isnan(fractions[i])) return say(error, TRAINHOST_FAILED_PRECONDITION, "needs the length of the run; set max");
    out[i] = is_told(self, "infinite") ? INFINITY : is_told(self, "negative") ? -1 : 1 - fractions[i];
  }
  return TRAINHOST_OK;
}

/* ---- entry ---- */
#define DESCRIPTOR(record, kind, name) {sizeof(trainhost_descriptor), 0, {kind, sizeof kind - 1}, {name, sizeof name - 1}, {record, sizeof record - 1}}
static const trainhost_descriptor all[] = {DESCRIPTOR(policy_record, "precision_policy", "zoo_policy"),
                                           DESCRIPTOR(schedule_record, "accumulation_schedule", "zoo_accum"),
                                           DESCRIPTOR(source_record, "data_source", "zoo_source"),
                                           DESCRIPTOR(wrapper_record, "data_source", "zoo_wrapper"),
                                           DESCRIPTOR(backend_record, "checkpoint_backend", "zoo_backend"),
                                           DESCRIPTOR(rates_record, "lr_schedule", "zoo_rates")};
static const trainhost_descriptor *const descriptors[] = {&all[0], &all[1], &all[2], &all[3], &all[4], &all[5]};

/* Every instance has the tables of all kinds: what it is asked for is its kind's. */
static const void *get_interface(trainhost_instance *instance, const char *id) {
  static const trainhost_precision_policy policy = {sizeof policy, 0, plan};
  static const trainhost_precision_layers layers = {sizeof layers, 0, format_of};
  static const trainhost_accumulation_schedule schedule = {sizeof schedule, 0, next_window, out_of_memory};
  static const trainhost_data_source source = {sizeof source, 0, info, read_samples}, wrapper = {sizeof wrapper, 0, wrapped_info, wrapped_read};
  static const trainhost_data_lengths data_lengths = {sizeof data_lengths, 0, lengths};
  static const trainhost_text text = {sizeof text, 0, encode, decode};
  static const trainhost_checkpoint_backend backend = {sizeof backend, 0, put_begin, put_part, put_commit, put_abort, create_object, get, list, remove_object};
  static const trainhost_lr_schedule rates = {sizeof rates, 0, update, factors};
  static const trainhost_lr_schedule steady_rates = {sizeof rates, 0, NULL, factors};
  const zoo *self = zoo_of(instance);
  if (strcmp(id, TRAINHOST_PRECISION_POLICY) == 0) return &policy;
  if (strcmp(id, TRAINHOST_PRECISION_LAYERS) == 0) return is_told(self, "no_layers") ? NULL : &layers;
  if (strcmp(id, TRAINHOST_ACCUMULATION_SCHEDULE) == 0) return &schedule;
  if (strcmp(id, TRAINHOST_DATA_SOURCE) == 0) return self->base.reserved ? &wrapper : &source;
  if (strcmp(id, TRAINHOST_DATA_LENGTHS) == 0) return self->base.reserved ? NULL : &data_lengths;
  if (strcmp(id, TRAINHOST_TEXT) == 0) return self->base.reserved ? NULL : &text;
  if (strcmp(id, TRAINHOST_CHECKPOINT_BACKEND) == 0) return &backend;
  if (strcmp(id, TRAINHOST_LR_SCHEDULE) == 0) return is_told(self, "steady") ? &steady_rates : &rates;
  return NULL;
}

static trainhost_status create(const trainhost_host *host, const trainhost_descriptor *descriptor, trainhost_string config, trainhost_instance **out,
                               trainhost_error *error) {
  zoo *self = zoo_new(host, config);
  (void)error;
  self->base.reserved = descriptor == &all[3]; /* the decorator */
  self->base.get_interface = get_interface;
  *out = &self->base;
  return TRAINHOST_OK;
}

TRAINHOST_EXPORT const trainhost_entry *trainhost_plugin_entry_1(void) {
  static const trainhost_entry entry = {sizeof entry, TRAINHOST_ABI_MAJOR, 6, 0, descriptors, create};
  return &entry;
}
