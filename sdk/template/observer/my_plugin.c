/* Notes every evaluation as a line of a text file in the run folder.
 *
 * An observer sees every event of a run and changes nothing. Events come in order, on a thread of its own, out of a queue of bounded length: a slow observer
 * loses events, which are counted, and never slows the run. `trainhost help events` lists the events; ignore those that you do not know. */
#include <stdio.h>
#include <string.h>

#include <trainhost/observer.h>
#include <trainhost/c/shortcuts.h>

/* One instance. The base comes first: the host knows the instance by it. */
struct observer {
  trainhost_instance base;
  const trainhost_host *host;
  char file[1024], path[4096];
  FILE *out;
};

/* Files, threads and sockets are opened here and not in create: `trainhost config check` makes plugins without a run. A resumed run appends. */
static trainhost_status start(trainhost_instance *instance, trainhost_error *error) {
  struct observer *self = instance->impl;
  const trainhost_run *run = self->host->get_service(self->host, TRAINHOST_RUN); /* not NULL: "needs" names it */
  const trainhost_string folder = run->facts(self->host)->run_folder;
  const int is_absolute = self->file[0] == '/';
  if (snprintf(self->path, sizeof self->path, "%.*s/%s", is_absolute ? 0 : (int)folder.length, folder.data, self->file + is_absolute) >= (int)sizeof self->path)
    return trainhost_fail(error, TRAINHOST_INVALID_ARGUMENT, "the path of the run folder is too long; use a shorter --out");
  self->out = fopen(self->path, "a");
  if (self->out) return TRAINHOST_OK;
  return trainhost_fail(error, TRAINHOST_FAILED_PRECONDITION, "%s: cannot be opened for appending; set another file", self->path);
}

/* A failure is logged; three in a row mute the observer for the rest of the run. */
static trainhost_status on_event(trainhost_instance *instance, const trainhost_event *event, trainhost_error *error) {
  struct observer *self = instance->impl;
  if (event->name.length != 10 || memcmp(event->name.data, "evaluation", 10) != 0) return TRAINHOST_OK;
  for (uint32_t i = 0; i < event->num_metrics; ++i) {
    const trainhost_metric *metric = &event->metrics[i];
    fprintf(self->out, "step %llu: %.*s of %.*s is %.6g\n", (unsigned long long)metric->step, (int)metric->name.length, metric->name.data,
            (int)metric->set.length, metric->set.data, metric->value);
  }
  if (fflush(self->out) == 0) return TRAINHOST_OK;
  clearerr(self->out);
  return trainhost_fail(error, TRAINHOST_RESOURCE_EXHAUSTED, "%s: cannot be written; is the disk full?", self->path);
}

/* Also called after a failed start. */
static void stop(trainhost_instance *instance) {
  struct observer *self = instance->impl;
  if (self->out) fclose(self->out);
  self->out = NULL;
}

/* The table is frozen under its id: what is added later gets another id. */
static const trainhost_observer table = {sizeof table, 0, on_event};

/* Always the same answer; NULL for every id that this plugin does not know. */
static const void *get_interface(trainhost_instance *instance, const char *id) {
  (void)instance;
  return strcmp(id, TRAINHOST_OBSERVER) == 0 ? &table : NULL;
}

/* The config has been checked against the schema below; keys that the user left out are absent. Text of the host is not terminated. */
static trainhost_status create(const trainhost_host *host, const trainhost_descriptor *descriptor, trainhost_string config, trainhost_instance **out,
                               trainhost_error *error) {
  struct observer *self = trainhost_new_instance(sizeof *self, get_interface);
  (void)descriptor;
  if (!self) return trainhost_fail(error, TRAINHOST_RESOURCE_EXHAUSTED, "out of host memory");
  self->host = host;
  self->base.start = start;
  self->base.stop = stop;
  if (!trainhost_config_text(config, "file", self->file, sizeof self->file)) {
    self->base.destroy(&self->base);
    return trainhost_fail(error, TRAINHOST_INVALID_ARGUMENT, "file: wanted a path of less than 1024 bytes without quotes and backslashes");
  }
  if (!self->file[0]) strcpy(self->file, "evaluations.txt");
  *out = &self->base;
  return TRAINHOST_OK;
}

/* The metadata, as JSON: it stands in a section of the file, so that `trainhost plugins list` runs no code of yours. "x-trajectory": false says that the
 * key does not change the numbers of a run, so that a resume may set it anew. */
/* clang-format off */
TRAINHOST_C_PLUGIN("observer", "my_plugin", create,
  "version": "1.0.0",
  "summary": "notes every evaluation as a line of a text file",
  "schema": {
    "type": "object",
    "additionalProperties": false,
    "properties": {
      "file": {"type": "string", "default": "evaluations.txt", "x-trajectory": false, "description": "where to write; relative to the run folder"}
    }
  },
  "torch_build": null, "needs": ["trainhost.run/1"], "schemes": [], "decorates": 0, "stateful": false)
/* clang-format on */
