/* Halves the learning rate every so many steps.
 *
 * A schedule answers with a factor on the optimizer's base rate. The host asks for many steps ahead of time and puts the answers into a table on the
 * device, which looks them up by its own count of applied steps: no step waits for a schedule, and a skipped window does not advance it. */
#include <math.h>
#include <string.h>

#include <trainhost/lr_schedule.h>
#include <trainhost/c/shortcuts.h>

/* One instance. The base comes first: the host knows the instance by it. */
struct schedule {
  trainhost_instance base;
  uint64_t every_steps;
};

/* out[i] is the factor of step at->step + i. Pure: a resumed run asks again and must get the same answer. fractions[i] says how far the run will be at
 * that step, 0 to 1, or NaN where it states no length. */
static trainhost_status factors(trainhost_instance *instance, const trainhost_progress *at, const double *fractions, uint64_t num_steps, double *out,
                                trainhost_error *error) {
  const struct schedule *self = instance->impl;
  (void)fractions, (void)error;
  for (uint64_t i = 0; i < num_steps; ++i) {
    const uint64_t halvings = (at->step + i) / self->every_steps;
    out[i] = ldexp(1.0, -(int)(halvings < 2000 ? halvings : 2000));
  }
  return TRAINHOST_OK;
}

/* The table is frozen under its id: what is added later gets another id. NULL: this schedule does not look at evaluations. */
static const trainhost_lr_schedule table = {sizeof table, 0, NULL, factors};

/* Always the same answer; NULL for every id that this plugin does not know. */
static const void *get_interface(trainhost_instance *instance, const char *id) {
  (void)instance;
  return strcmp(id, TRAINHOST_LR_SCHEDULE) == 0 ? &table : NULL;
}

/* The config has been checked against the schema below; keys that the user left out are absent. Text of the host is not terminated. */
static trainhost_status create(const trainhost_host *host, const trainhost_descriptor *descriptor, trainhost_string config, trainhost_instance **out,
                               trainhost_error *error) {
  struct schedule *self = trainhost_new_instance(sizeof *self, get_interface);
  (void)host, (void)descriptor;
  if (!self) return trainhost_fail(error, TRAINHOST_RESOURCE_EXHAUSTED, "out of host memory");
  self->every_steps = (uint64_t)trainhost_config_number(config, "every_steps", 100);
  *out = &self->base;
  return TRAINHOST_OK;
}

/* The metadata, as JSON: it stands in a section of the file, so that `trainhost plugins list` runs no code of yours. */
/* clang-format off */
TRAINHOST_C_PLUGIN("lr_schedule", "my_plugin", create,
  "version": "1.0.0",
  "summary": "halves the learning rate every so many steps",
  "schema": {
    "type": "object",
    "additionalProperties": false,
    "properties": {
      "every_steps": {"type": "integer", "minimum": 1, "maximum": 1099511627776, "default": 100, "description": "steps at one rate"}
    }
  },
  "torch_build": null, "needs": [], "schemes": [], "decorates": 0, "stateful": false)
/* clang-format on */
