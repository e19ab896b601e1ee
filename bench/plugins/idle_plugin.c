/* The idle functions as a plugin file; IDLE_KIND and IDLE_NAME say which kind and under what name. */
#include <stdlib.h>
#include <string.h>

#include <trainhost/plugin.h>

#include "idle.h"

__attribute__((section(".trainhost.plugin"), used)) static const char record[] =
    "{\"abi\":1,\"kind\":\"" IDLE_KIND "\",\"name\":\"" IDLE_NAME
    "\",\"version\":\"1.0.0\",\"summary\":\"does nothing, for the bench\",\"schemes\":[\"idle\"]}";

/* A backend must have these; nobody calls them. */
static trainhost_status put_begin(trainhost_instance* instance, trainhost_string key, uint64_t size, uint64_t* part, trainhost_put** put,
                                  trainhost_error* error) {
  (void)instance, (void)key, (void)size, (void)part, (void)put, (void)error;
  return TRAINHOST_UNIMPLEMENTED;
}
static trainhost_status put_part(trainhost_put* put, uint64_t offset, const void* bytes, uint64_t size, uint32_t crc32c, trainhost_error* error) {
  (void)put, (void)offset, (void)bytes, (void)size, (void)crc32c, (void)error;
  return TRAINHOST_UNIMPLEMENTED;
}
static trainhost_status put_commit(trainhost_put* put, trainhost_error* error) {
  (void)put, (void)error;
  return TRAINHOST_UNIMPLEMENTED;
}
static void put_abort(trainhost_put* put) { (void)put; }
static trainhost_status get(trainhost_instance* instance, trainhost_string key, uint64_t offset, void* out, uint64_t size, uint64_t* got,
                            trainhost_error* error) {
  (void)instance, (void)key, (void)offset, (void)out, (void)size, (void)got, (void)error;
  return TRAINHOST_UNIMPLEMENTED;
}
static trainhost_status list(trainhost_instance* instance, trainhost_string prefix, void* context, int32_t (*visit)(void*, const trainhost_object*),
                             trainhost_error* error) {
  (void)instance, (void)prefix, (void)context, (void)visit, (void)error;
  return TRAINHOST_UNIMPLEMENTED;
}
static trainhost_status remove_object(trainhost_instance* instance, trainhost_string key, trainhost_error* error) {
  (void)instance, (void)key, (void)error;
  return TRAINHOST_UNIMPLEMENTED;
}

static const void* get_interface(trainhost_instance* instance, const char* id) {
  static const trainhost_precision_policy policy = {sizeof policy, 0, idle_plan};
  static const trainhost_accumulation_schedule schedule = {sizeof schedule, 0, idle_next_window, idle_out_of_memory};
  static const trainhost_data_source source = {sizeof source, 0, idle_info, idle_read};
  static const trainhost_checkpoint_backend backend = {sizeof backend,     0,   put_begin, put_part,     put_commit, put_abort,
                                                       idle_create_object, get, list,      remove_object};
  static const trainhost_stopping_rule rule = {sizeof rule, 0, idle_check};
  static const trainhost_lr_schedule rates = {sizeof rates, 0, NULL, idle_factors};
  static const trainhost_observer observer = {sizeof observer, 0, idle_on_event};
  const struct {
    const char *kind, *id;
    const void* table;
  } all[] = {{"precision_policy", TRAINHOST_PRECISION_POLICY, &policy},
             {"accumulation_schedule", TRAINHOST_ACCUMULATION_SCHEDULE, &schedule},
             {"data_source", TRAINHOST_DATA_SOURCE, &source},
             {"checkpoint_backend", TRAINHOST_CHECKPOINT_BACKEND, &backend},
             {"stopping_rule", TRAINHOST_STOPPING_RULE, &rule},
             {"lr_schedule", TRAINHOST_LR_SCHEDULE, &rates},
             {"observer", TRAINHOST_OBSERVER, &observer}};
  (void)instance;
  for (size_t i = 0; i < sizeof all / sizeof all[0]; ++i)
    if (strcmp(all[i].kind, IDLE_KIND) == 0 && strcmp(all[i].id, id) == 0) return all[i].table;
  return NULL;
}

static void destroy(trainhost_instance* instance) { free(instance); }

static trainhost_status create(const trainhost_host* host, const trainhost_descriptor* descriptor, trainhost_string config, trainhost_instance** out,
                               trainhost_error* error) {
  (void)host, (void)descriptor, (void)config, (void)error;
  trainhost_instance* instance = (trainhost_instance*)calloc(1, sizeof *instance);
  if (!instance) return TRAINHOST_RESOURCE_EXHAUSTED;
  instance->struct_size = sizeof *instance;
  instance->get_interface = get_interface;
  instance->destroy = destroy;
  *out = instance;
  return TRAINHOST_OK;
}

TRAINHOST_EXPORT const trainhost_entry* trainhost_plugin_entry_1(void) {
  static const trainhost_descriptor descriptor = {
      sizeof descriptor, 0, {IDLE_KIND, sizeof IDLE_KIND - 1}, {IDLE_NAME, sizeof IDLE_NAME - 1}, {record, sizeof record - 1}};
  static const trainhost_descriptor* const descriptors[] = {&descriptor};
  static const trainhost_entry entry = {sizeof entry, TRAINHOST_ABI_MAJOR, 1, 0, descriptors, create};
  return &entry;
}
