/* Windows of a fixed number of samples; micro-batches that do not fit the device are halved.
 *
 * A schedule says how many samples the next update sees, and in how small pieces they go through the device. Any cut of the same samples gives the same
 * gradient: the window is a matter of the optimisation, the size of the micro-batches one of memory and speed. */
#include <string.h>

#include <trainhost/accumulation_schedule.h>
#include <trainhost/c/shortcuts.h>
#include <trainhost/state.h>

/* One instance. The base comes first: the host knows the instance by it. */
struct schedule {
  trainhost_instance base;
  const trainhost_host *host;
  uint64_t window_samples, micro_batch_samples;
};

/* Exactly one of the three targets is not 0. in_out comes in as the window before this one, all zeroes at first. */
static trainhost_status next_window(trainhost_instance *instance, const trainhost_progress *progress, trainhost_window *in_out, trainhost_error *error) {
  const struct schedule *self = instance->impl;
  (void)progress, (void)error;
  in_out->micro_batch_samples = self->micro_batch_samples;
  in_out->target_samples = self->window_samples;
  in_out->num_micro_batches = in_out->target_tokens = 0;
  return TRAINHOST_OK;
}

/* The host runs the same samples again in the smaller pieces that are answered here. */
static trainhost_status out_of_memory(trainhost_instance *instance, const trainhost_window *failed, uint64_t attempt, uint64_t *micro_batch_samples,
                                      trainhost_error *error) {
  struct schedule *self = instance->impl;
  const trainhost_log *log = self->host->get_service(self->host, TRAINHOST_LOG); /* always present */
  char words[128];
  (void)attempt;
  if (failed->micro_batch_samples <= 1)
    return trainhost_fail(error, TRAINHOST_RESOURCE_EXHAUSTED, "one sample does not fit the device; use a smaller model or shorter samples");
  *micro_batch_samples = self->micro_batch_samples = failed->micro_batch_samples / 2;
  snprintf(words, sizeof words, "out of device memory with %llu samples; going on with %llu", (unsigned long long)failed->micro_batch_samples,
           (unsigned long long)self->micro_batch_samples);
  log->write(self->host, TRAINHOST_LOG_WARNING, (trainhost_string){words, strlen(words)});
  return TRAINHOST_OK;
}

static const trainhost_accumulation_schedule table = {sizeof table, 0, next_window, out_of_memory};

/* What must survive a resume, behind a word that tells it from anything else. */
struct saved {
  char magic[8];
  uint64_t micro_batch_samples;
};
static const char magic[8] = {'t', 'h', 'a', 'c', 'c', 'u', 'm', '1'};

static trainhost_status save(trainhost_instance *instance, const trainhost_writer *writer, trainhost_error *error) {
  const struct schedule *self = instance->impl;
  struct saved state;
  memcpy(state.magic, magic, sizeof magic);
  state.micro_batch_samples = self->micro_batch_samples;
  return writer->write(writer->impl, &state, sizeof state, error);
}

/* All or nothing: a state that is cut or odd leaves the instance as it was. */
static trainhost_status load(trainhost_instance *instance, trainhost_string saved_by_version, const void *bytes, uint64_t size, trainhost_error *error) {
  struct schedule *self = instance->impl;
  struct saved state;
  (void)saved_by_version;
  if (size != sizeof state) return trainhost_fail(error, TRAINHOST_DATA_LOSS, "state: %llu bytes, wanted %zu", (unsigned long long)size, sizeof state);
  memcpy(&state, bytes, sizeof state);
  if (memcmp(state.magic, magic, sizeof magic) != 0 || state.micro_batch_samples == 0)
    return trainhost_fail(error, TRAINHOST_DATA_LOSS, "state: it was not written by this plugin, or is damaged");
  self->micro_batch_samples = state.micro_batch_samples < self->window_samples ? state.micro_batch_samples : self->window_samples;
  return TRAINHOST_OK;
}

static const trainhost_state state_table = {sizeof state_table, 0, save, load};

/* Always the same answer; NULL for every id that this plugin does not know. */
static const void *get_interface(trainhost_instance *instance, const char *id) {
  (void)instance;
  if (strcmp(id, TRAINHOST_STATE) == 0) return &state_table;
  return strcmp(id, TRAINHOST_ACCUMULATION_SCHEDULE) == 0 ? &table : NULL;
}

/* The config has been checked against the schema below; keys that the user left out are absent. Text of the host is not terminated. */
static trainhost_status create(const trainhost_host *host, const trainhost_descriptor *descriptor, trainhost_string config, trainhost_instance **out,
                               trainhost_error *error) {
  struct schedule *self = trainhost_new_instance(sizeof *self, get_interface);
  (void)descriptor;
  if (!self) return trainhost_fail(error, TRAINHOST_RESOURCE_EXHAUSTED, "out of host memory");
  self->host = host;
  self->window_samples = (uint64_t)trainhost_config_number(config, "window_samples", 32);
  self->micro_batch_samples = (uint64_t)trainhost_config_number(config, "micro_batch_samples", 8);
  if (self->micro_batch_samples > self->window_samples) self->micro_batch_samples = self->window_samples;
  *out = &self->base;
  return TRAINHOST_OK;
}

/* The metadata, as JSON: it stands in a section of the file, so that `trainhost plugins list` runs no code of yours. "stateful": true obliges to have
 * trainhost.state/1; the host then refuses a resume without the state. */
/* clang-format off */
TRAINHOST_C_PLUGIN("accumulation_schedule", "my_plugin", create,
  "version": "1.0.0",
  "summary": "windows of a fixed number of samples; halves micro-batches that do not fit",
  "schema": {
    "type": "object",
    "additionalProperties": false,
    "properties": {
      "window_samples": {"type": "integer", "minimum": 1, "maximum": 1099511627776, "default": 32, "description": "samples of an update, over all ranks"},
      "micro_batch_samples": {"type": "integer", "minimum": 1, "maximum": 1099511627776, "default": 8, "description": "samples that go through the device at once"}
    }
  },
  "torch_build": null, "needs": [], "schemes": [], "decorates": 0, "stateful": true)
/* clang-format on */
