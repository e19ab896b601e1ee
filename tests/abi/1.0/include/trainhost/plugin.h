/* What a plugin file offers to the host: one exported function, descriptors, instances.
 *
 * Life of an instance: create -> load state -> start -> use -> stop -> destroy. Until start it opens no thread, no socket and no file for writing:
 * `trainhost config check` creates instances and goes no further. A plugin file is never unloaded.
 *
 * Authors in C++ include plugin.hpp instead: derive, override, one macro. */
#ifndef TRAINHOST_PLUGIN_H
#define TRAINHOST_PLUGIN_H

#include "trainhost/host.h"
#include "trainhost/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Owned by the plugin. It has one kind; beside that kind's interfaces the host asks it for trainhost.state/1 and trainhost.observer/1. */
struct trainhost_instance {
  uint32_t struct_size, reserved;
  void *impl; /* the plugin's own */

  /* Returns the frozen table that belongs to the id, or NULL when this instance does not have it. The answer never changes; the table lives until
   * destroy returns. [any] */
  const void *(*get_interface)(trainhost_instance *, const char *id);

  /* Opens what the instance needs. NULL allowed. Comes after create and after the state was loaded.
   * Failure: fatal for the run; stop and destroy follow. [main] */
  trainhost_status (*start)(trainhost_instance *, trainhost_error *);

  /* Joins the threads and closes the files that start opened; also called after a failed start. NULL allowed. [main] */
  void (*stop)(trainhost_instance *);

  /* Frees the instance. The last call. [main] */
  void (*destroy)(trainhost_instance *);
};

/* Static storage. metadata_json points to one record of ELF section .trainhost.plugin: the very same bytes, without their terminating NUL.
 * The section holds NUL-terminated records one after another; a reader skips runs of NUL. A record is one JSON object:
 *   {"abi":1, "min_host_minor":0, "kind":"stopping_rule", "name":"earlystop", "version":"1.0.0", "summary":"...", "schema":{..}, "torch_build":null,
 *    "needs":[], "schemes":[], "decorates":0, "stateful":false}
 * torch_build: null, or the build string of a plugin that links LibTorch; needs: ids of services without which create would fail; schemes: URI schemes of
 * a checkpoint backend; decorates: the number of upstreams that it wraps, 0 = none; stateful: it has trainhost.state/1 and cannot resume without it. */
typedef struct trainhost_descriptor {
  uint32_t struct_size, reserved;
  trainhost_string kind, name, metadata_json;
} trainhost_descriptor;

/* Static storage. */
typedef struct trainhost_entry {
  uint32_t struct_size, abi_major, num_descriptors, reserved;
  const trainhost_descriptor *const *descriptors;

  /* Makes an instance of one of this entry's descriptors.
   *
   * host:        this instance's own; kept by the plugin until destroy.
   * config_json: one JSON object, already checked by the host against the schema; keys that the user left out are absent. Borrowed.
   * out:         set only on success. Owned by the plugin, freed by its destroy.
   * Failure:     the run does not begin; INVALID_ARGUMENT for values that cannot go together. [main] */
  trainhost_status (*create)(const trainhost_host *host, const trainhost_descriptor *, trainhost_string config_json, trainhost_instance **out,
                             trainhost_error *);
} trainhost_entry;

/* The only symbol that a plugin file exports. The major is part of the name: a file for two majors exports two. Pure: no side effects, always the same
 * answer. [any] */
TRAINHOST_EXPORT const trainhost_entry *trainhost_plugin_entry_1(void);

#ifdef __cplusplus
}
#endif
#endif
