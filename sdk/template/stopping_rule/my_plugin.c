/* Stops the run when its smoothed training loss has reached a target.
 *
 * A rule is asked after every window and after every evaluation, and looks at numbers only. Its verdict follows from what it is told and from its own
 * state, so that a resumed run stops where the first one would have. It never latches: the next call may say something else. */
#include <math.h>
#include <string.h>

#include <trainhost/c/shortcuts.h>
#include <trainhost/stopping_rule.h>

/* One instance. The base comes first: the host knows the instance by it. */
struct rule {
  trainhost_instance base;
  double target;
};

/* metrics are those that came since the last call, each handed over once: evaluations with the name of their set, and a standard error where one is known.
 * What the run has not measured is NaN. The reason is shown to the user and stays in the run's log: say the numbers. */
static trainhost_status check(trainhost_instance *instance, const trainhost_progress *progress, const trainhost_metric *metrics, uint64_t num_metrics,
                              trainhost_verdict *verdict, trainhost_error *error) {
  const struct rule *self = instance->impl;
  (void)metrics, (void)num_metrics, (void)error;
  if (isnan(progress->loss_ema) || progress->loss_ema > self->target) return TRAINHOST_OK; /* the verdict came in as "go on" */
  verdict->stop = TRAINHOST_STOP_DONE;
  verdict->reason_length = (uint32_t)snprintf(verdict->reason, sizeof verdict->reason, "the smoothed loss %.4g has reached %.4g at step %llu",
                                              progress->loss_ema, self->target, (unsigned long long)progress->step);
  return TRAINHOST_OK;
}

/* The table is frozen under its id: what is added later gets another id. */
static const trainhost_stopping_rule table = {sizeof table, 0, check};

/* Always the same answer; NULL for every id that this plugin does not know. */
static const void *get_interface(trainhost_instance *instance, const char *id) {
  (void)instance;
  return strcmp(id, TRAINHOST_STOPPING_RULE) == 0 ? &table : NULL;
}

/* The config has been checked against the schema below. Text of the host is not terminated; what shortcuts.h reads out of it is. */
static trainhost_status create(const trainhost_host *host, const trainhost_descriptor *descriptor, trainhost_string config, trainhost_instance **out,
                               trainhost_error *error) {
  struct rule *self = trainhost_new_instance(sizeof *self, get_interface);
  (void)host, (void)descriptor;
  if (!self) return trainhost_fail(error, TRAINHOST_RESOURCE_EXHAUSTED, "out of host memory");
  self->target = trainhost_config_number(config, "target", 0);
  *out = &self->base;
  return TRAINHOST_OK;
}

/* The metadata, as JSON: it stands in a section of the file, so that `trainhost plugins list` runs no code of yours. "x-trajectory": false says that the
 * key does not change the numbers of a run, so that a resume may set it anew. */
/* clang-format off */
TRAINHOST_C_PLUGIN("stopping_rule", "my_plugin", create,
  "version": "1.0.0",
  "summary": "stops when the smoothed training loss has reached a target",
  "schema": {
    "type": "object",
    "additionalProperties": false,
    "properties": {"target": {"type": "number", "x-trajectory": false, "description": "loss at which the run is done"}},
    "required": ["target"]
  },
  "torch_build": null, "needs": [], "schemes": [], "decorates": 0, "stateful": false)
/* clang-format on */
