/* Points of a square; their class says whether they lie within a circle.
 *
 * A source is a numbered shelf: it says how many samples there are and what fields they are made of, and fills the host's memory with those it is asked
 * for. Order, shuffling, batching, padding and threads are the host's. The same id with the same random key is the same bytes, on any thread, in any order.
 *
 * A decorator, such as a cache, is a source that says "decorates": 1 below and asks the source that it wraps, which trainhost.upstream/1 hands out. */
#include <string.h>

#include <trainhost/data_source.h>
#include <trainhost/c/shortcuts.h>

/* One instance. The base comes first: the host knows the instance by it. */
struct source {
  trainhost_instance base;
  const trainhost_host *host;
  uint64_t num_samples;
};

/* pad_value -1 in a target: a class of -1 does not count in the loss. */
static const trainhost_field x_field = {
    sizeof x_field, TRAINHOST_FIELD_INPUT, {"x", 1}, {TRAINHOST_DTYPE_FLOAT, 32, 1}, 1, {2}, {2}, 0, 0};
static const trainhost_field y_field = {
    sizeof y_field, TRAINHOST_FIELD_TARGET, {"y", 1}, {TRAINHOST_DTYPE_INT, 64, 1}, 0, {0}, {0}, 2, -1};
static const trainhost_field *const fields[] = {&x_field, &y_field};

/* The fingerprint says what the samples are; a resume with another one is refused. */
static trainhost_status info(trainhost_instance *instance, trainhost_source_info *out, trainhost_error *error) {
  const struct source *self = instance->impl;
  (void)error;
  out->num_fields = 2;
  out->fields = fields;
  out->num_samples = self->num_samples;
  out->num_blocks = 0; /* all samples are as cheap to read */
  out->block_starts = NULL;
  memset(out->fingerprint, 0, sizeof out->fingerprint);
  out->fingerprint[0] = 1; /* the version of the samples */
  memcpy(&out->fingerprint[8], &self->num_samples, sizeof self->num_samples);
  return TRAINHOST_OK;
}

/* A coordinate from -1 to 1 out of 24 bits. */
static float coordinate(uint64_t bits) { return (float)(bits & 0xffffff) / 8388608.0f - 1.0f; }

static trainhost_status read_one(uint64_t id, uint64_t index, const trainhost_batch_writer *out, trainhost_error *error) {
  const int64_t two[] = {2};
  uint64_t bits = (id + 1) * 0x9e3779b97f4a7c15u;
  trainhost_tensor place;
  trainhost_status status;
  float *x;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
  status = out->reserve(out->impl, index, 0, two, &place, error);
  if (status != TRAINHOST_OK) return status;
  x = (float *)((char *)place.data + place.byte_offset);
  x[0] = coordinate(bits >> 40), x[1] = coordinate(bits >> 16);
  status = out->reserve(out->impl, index, 1, two, &place, error); /* no axes: the shape is not looked at */
  if (status == TRAINHOST_OK) *(int64_t *)((char *)place.data + place.byte_offset) = x[0] * x[0] + x[1] * x[1] < 0.64f;
  return status;
}

/* Called from several threads at once. random_keys[i] is the only randomness that sample i may use: for augmentation, say. */
static trainhost_status read_samples(trainhost_instance *instance, const trainhost_read *wanted, const trainhost_batch_writer *out, trainhost_error *error) {
  const struct source *self = instance->impl;
  const trainhost_call *call = self->host->get_service(self->host, TRAINHOST_CALL); /* always present */
  for (uint64_t i = 0; i < wanted->num_samples; ++i) {
    if (call->is_cancelled(self->host)) return trainhost_fail(error, TRAINHOST_CANCELLED, "cancelled by the host");
    if (wanted->ids[i] >= self->num_samples)
      return trainhost_fail(error, TRAINHOST_OUT_OF_RANGE, "sample %llu of %llu", (unsigned long long)wanted->ids[i], (unsigned long long)self->num_samples);
    const trainhost_status status = read_one(wanted->ids[i], i, out, error);
    if (status != TRAINHOST_OK) return status;
  }
  return TRAINHOST_OK;
}

/* The table is frozen under its id: what is added later gets another id. */
static const trainhost_data_source table = {sizeof table, 0, info, read_samples};

/* Always the same answer; NULL for every id that this plugin does not know. */
static const void *get_interface(trainhost_instance *instance, const char *id) {
  (void)instance;
  return strcmp(id, TRAINHOST_DATA_SOURCE) == 0 ? &table : NULL;
}

/* The config has been checked against the schema below; keys that the user left out are absent. Text of the host is not terminated. */
static trainhost_status create(const trainhost_host *host, const trainhost_descriptor *descriptor, trainhost_string config, trainhost_instance **out,
                               trainhost_error *error) {
  struct source *self = trainhost_new_instance(sizeof *self, get_interface);
  (void)descriptor;
  if (!self) return trainhost_fail(error, TRAINHOST_RESOURCE_EXHAUSTED, "out of host memory");
  self->host = host;
  self->num_samples = (uint64_t)trainhost_config_number(config, "samples", 1000);
  *out = &self->base;
  return TRAINHOST_OK;
}

/* The metadata, as JSON: it stands in a section of the file, so that `trainhost plugins list` runs no code of yours. */
/* clang-format off */
TRAINHOST_C_PLUGIN("data_source", "my_plugin", create,
  "version": "1.0.0",
  "summary": "points of a square; two classes, within a circle and outside of it",
  "schema": {
    "type": "object",
    "additionalProperties": false,
    "properties": {"samples": {"type": "integer", "minimum": 1, "maximum": 1099511627776, "default": 1000, "description": "number of samples"}}
  },
  "torch_build": null, "needs": [], "schemes": [], "decorates": 0, "stateful": false)
/* clang-format on */
