/* Plugins for whole runs that do their work until their config lets one call go wrong: {"in":"check","how":"SIGSEGV","after":7} spoils the eighth check.
 * A rule, an observer and a schedule of windows of their own; decorators around a source and a backend. `how` is a mishap of mishaps.h, or "nothing": the call
 * returns OK and has done nothing; "error": it fails; what else a call knows stands there. */
#include <pthread.h>
#include <stdatomic.h>

#include <trainhost/accumulation_schedule.h>
#include <trainhost/checkpoint_backend.h>
#include <trainhost/data_source.h>
#include <trainhost/report.h>
#include <trainhost/stopping_rule.h>

#include "mishaps.h"
#include "zoo.h"

#define RECORD(variable, kind, name, rest)                                                                                             \
  ZOO_RECORD variable[] = "{\"abi\":1,\"kind\":\"" kind "\",\"name\":\"" name                                                          \
                          "\",\"version\":\"1.0.0\",\"summary\":\"for tests: works until it shall not\",\"schema\":{"                  \
                          "\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"                                        \
                          "\"in\":{\"type\":\"string\",\"default\":\"\",\"description\":\"function\",\"x-trajectory\":false},"         \
                          "\"how\":{\"type\":\"string\",\"default\":\"\",\"description\":\"what goes wrong\",\"x-trajectory\":false}," \
                          "\"after\":{\"type\":\"integer\",\"default\":0,\"description\":\"calls that go well before\",\"x-trajectory\":false}}}" rest "}"
RECORD(rule_record, "stopping_rule", "faulty_rule", "");
RECORD(observer_record, "observer", "faulty_observer", "");
RECORD(accum_record, "accumulation_schedule", "faulty_accum", "");
RECORD(source_record, "data_source", "faulty_source", ",\"decorates\":1");
RECORD(backend_record, "checkpoint_backend", "faulty_backend", ",\"decorates\":1");

/* ---- one mishap ---- */
typedef struct faulty {
  zoo zoo;
  const trainhost_descriptor* descriptor;
  char in[32], how[32];
  long after;
  atomic_long calls;
} faulty;

static faulty* of(trainhost_instance* instance) { return (faulty*)instance->impl; }

static void copy_value(const char* config, const char* key, char* out, size_t size) {
  const char* begin = strstr(config, key);
  size_t length = 0;
  if (!begin) return;
  for (begin += strlen(key); begin[length] && begin[length] != '"' && length + 1 < size; ++length) out[length] = begin[length];
}

/* The mishap that shall happen in this call of `function`; "" = none. What a thread survives to tell has happened by then. */
static const char* mishap(faulty* self, const char* function) {
  if (strcmp(self->in, function) != 0 || atomic_fetch_add(&self->calls, 1) < self->after) return "";
  let_happen(self->how);
  return self->how;
}

static int is(const char* mishap, const char* name) { return strcmp(mishap, name) == 0; }

/* Leaves the function when there is nothing more to do. */
#define MAY_GO_WRONG(self, function, error)     \
  const char* what = mishap(self, function);    \
  if (is(what, "nothing")) return TRAINHOST_OK; \
  if (is(what, "error")) return say(error, TRAINHOST_INTERNAL, "failed on purpose")

/* ---- stopping rule and observer ---- */
/* What a C++ plugin without the glue would do; defined in thrower.cpp. */
void zoo_throw(const char* words);

static trainhost_status check(trainhost_instance* instance, const trainhost_progress* progress, const trainhost_metric* metrics, uint64_t num_metrics,
                              trainhost_verdict* verdict, trainhost_error* error) {
  MAY_GO_WRONG(of(instance), "check", error);
  (void)progress, (void)metrics, (void)num_metrics;
  if (is(what, "throw")) zoo_throw("thrown on purpose");
  if (is(what, "overflow error")) memset(error->message, 'e', sizeof error->message + 16);
  if (is(what, "overflow verdict")) memset(verdict->reason, 'v', sizeof verdict->reason + 16);
  return TRAINHOST_OK;
}

/* No fault: the run's log shows what has come to this observer. */
static void tell(const faulty* self, const trainhost_event* event) {
  const trainhost_log* log = (const trainhost_log*)self->zoo.host->get_service(self->zoo.host, TRAINHOST_LOG);
  char words[1024];
  snprintf(words, sizeof words, "saw %.*s %.*s", (int)event->name.length, event->name.data, (int)event->details_json.length, event->details_json.data);
  log->write(self->zoo.host, TRAINHOST_LOG_INFO, text_of(words));
}

static trainhost_status on_event(trainhost_instance* instance, const trainhost_event* event, trainhost_error* error) {
  MAY_GO_WRONG(of(instance), "on_event", error);
  if (is(what, "tell")) tell(of(instance), event);
  return TRAINHOST_OK;
}

/* ---- accumulation schedule: two micro-batches of four samples ---- */
/* What a run serves may be called on any thread; the trial of trainhost.memory/1 may not, and no run serves it. */
static void* call_elsewhere(void* argument) {
  const trainhost_host* host = (const trainhost_host*)argument;
  const trainhost_log* log = (const trainhost_log*)host->get_service(host, TRAINHOST_LOG);
  const trainhost_run* run = (const trainhost_run*)host->get_service(host, TRAINHOST_RUN);
  const trainhost_report* report = (const trainhost_report*)host->get_service(host, TRAINHOST_REPORT);
  const trainhost_memory* memory = (const trainhost_memory*)host->get_service(host, TRAINHOST_MEMORY);
  const trainhost_string name = text_of("calls");
  const double value = 1;
  trainhost_probe probe = {sizeof probe, 0, 0, 0, 0};
  if (run->facts(host)) log->write(host, TRAINHOST_LOG_INFO, text_of("from another thread"));
  report->publish(host, text_of("elsewhere"), &name, &value, 1);
  if (memory) memory->probe(host, 4, &probe, NULL);
  return NULL;
}

static trainhost_status next_window(trainhost_instance* instance, const trainhost_progress* progress, trainhost_window* in_out, trainhost_error* error) {
  MAY_GO_WRONG(of(instance), "next_window", error);
  (void)progress;
  if (is(what, "call elsewhere")) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, call_elsewhere, (void*)of(instance)->zoo.host) != 0 || pthread_join(thread, NULL) != 0) abort();
  }
  in_out->micro_batch_samples = 4;
  in_out->num_micro_batches = 2;
  return TRAINHOST_OK;
}

static trainhost_status out_of_memory(trainhost_instance* instance, const trainhost_window* failed, uint64_t attempt, uint64_t* samples,
                                      trainhost_error* error) {
  (void)instance, (void)failed, (void)attempt, (void)samples;
  return say(error, TRAINHOST_RESOURCE_EXHAUSTED, "four samples do not fit");
}

/* ---- decorators ---- */
static trainhost_instance* inner_of(faulty* self) {
  return ((const trainhost_upstream*)self->zoo.host->get_service(self->zoo.host, TRAINHOST_UPSTREAM))->at(self->zoo.host, 0);
}

static const trainhost_data_source* source_of(trainhost_instance* inner) {
  return (const trainhost_data_source*)inner->get_interface(inner, TRAINHOST_DATA_SOURCE);
}

static trainhost_status info(trainhost_instance* instance, trainhost_source_info* out, trainhost_error* error) {
  trainhost_instance* inner = inner_of(of(instance));
  MAY_GO_WRONG(of(instance), "info", error);
  const trainhost_status status = source_of(inner)->info(inner, out, error);
  if (is(what, "other data")) out->fingerprint[0] ^= 1;
  if (is(what, "other size")) out->num_samples += 7;
  return status;
}

/* Passes reservations on with another shape than asked for. */
static trainhost_status reserve_reshaped(void* impl, uint64_t sample, uint32_t field, const int64_t* shape, trainhost_tensor* out, trainhost_error* error) {
  const trainhost_batch_writer* writer = (const trainhost_batch_writer*)impl;
  int64_t other[8] = {shape ? shape[0] + 1 : 1, 1, 1, 1, 1, 1, 1, 1};
  return writer->reserve(writer->impl, sample, field, other, out, error);
}

static trainhost_status read_samples(trainhost_instance* instance, const trainhost_read* wanted, const trainhost_batch_writer* writer, trainhost_error* error) {
  trainhost_instance* inner = inner_of(of(instance));
  const trainhost_batch_writer reshaping = {(void*)(uintptr_t)writer, reserve_reshaped};
  trainhost_read fewer = *wanted;
  MAY_GO_WRONG(of(instance), "read", error);
  if (is(what, "fewer")) --fewer.num_samples;
  return source_of(inner)->read(inner, &fewer, is(what, "reshape") ? &reshaping : writer, error);
}

struct trainhost_put {
  faulty* self;
  trainhost_instance* inner;
  trainhost_put* put;
};

static const trainhost_checkpoint_backend* backend_of(trainhost_instance* inner) {
  return (const trainhost_checkpoint_backend*)inner->get_interface(inner, TRAINHOST_CHECKPOINT_BACKEND);
}

static trainhost_status put_begin(trainhost_instance* instance, trainhost_string key, uint64_t size, uint64_t* part_bytes, trainhost_put** put,
                                  trainhost_error* error) {
  trainhost_instance* inner = inner_of(of(instance));
  trainhost_put* begun = (trainhost_put*)malloc(sizeof *begun);
  trainhost_status status;
  MAY_GO_WRONG(of(instance), "put_begin", error);
  begun->self = of(instance), begun->inner = inner;
  status = backend_of(inner)->put_begin(inner, key, size, part_bytes, &begun->put, error);
  if (status == TRAINHOST_OK)
    *put = begun;
  else
    free(begun);
  return status;
}

static trainhost_status put_part(trainhost_put* put, uint64_t offset, const void* bytes, uint64_t size, uint32_t crc32c, trainhost_error* error) {
  MAY_GO_WRONG(put->self, "put_part", error);
  return backend_of(put->inner)->put_part(put->put, offset, bytes, size, crc32c, error);
}

static trainhost_status put_commit(trainhost_put* put, trainhost_error* error) {
  const trainhost_put gone = *put;
  free(put);
  MAY_GO_WRONG(gone.self, "put_commit", error);
  return backend_of(gone.inner)->put_commit(gone.put, error);
}

static void put_abort(trainhost_put* put) {
  backend_of(put->inner)->put_abort(put->put);
  free(put);
}

static trainhost_status create_object(trainhost_instance* instance, trainhost_string key, const void* bytes, uint64_t size, trainhost_error* error) {
  trainhost_instance* inner = inner_of(of(instance));
  MAY_GO_WRONG(of(instance), "create_object", error);
  return backend_of(inner)->create(inner, key, bytes, size, error);
}

static trainhost_status get(trainhost_instance* instance, trainhost_string key, uint64_t offset, void* out, uint64_t size, uint64_t* got,
                            trainhost_error* error) {
  trainhost_instance* inner = inner_of(of(instance));
  MAY_GO_WRONG(of(instance), "get", error);
  const trainhost_status status = backend_of(inner)->get(inner, key, offset, out, size, got, error);
  if (is(what, "short")) *got /= 2;
  if (is(what, "more than asked")) *got = size + 1;
  if (is(what, "flip") && *got > 0) ((unsigned char*)out)[*got / 2] ^= 4;
  return status;
}

struct longer {
  void* context;
  int32_t (*visit)(void*, const trainhost_object*);
};

static int32_t visit_longer(void* context, const trainhost_object* object) {
  const struct longer* wanted = (const struct longer*)context;
  trainhost_object larger = *object;
  larger.size += 100;
  return wanted->visit(wanted->context, &larger);
}

static trainhost_status list(trainhost_instance* instance, trainhost_string prefix, void* context, int32_t (*visit)(void*, const trainhost_object*),
                             trainhost_error* error) {
  trainhost_instance* inner = inner_of(of(instance));
  struct longer longer = {context, visit};
  MAY_GO_WRONG(of(instance), "list", error);
  if (is(what, "sizes")) return backend_of(inner)->list(inner, prefix, &longer, visit_longer, error);
  return backend_of(inner)->list(inner, prefix, context, visit, error);
}

static trainhost_status remove_object(trainhost_instance* instance, trainhost_string key, trainhost_error* error) {
  trainhost_instance* inner = inner_of(of(instance));
  MAY_GO_WRONG(of(instance), "remove", error);
  return backend_of(inner)->remove(inner, key, error);
}

/* ---- life ---- */
#define DESCRIPTOR(record, kind, name)                                                                               \
  {                                                                                                                  \
    sizeof(trainhost_descriptor), 0, {kind, sizeof kind - 1}, {name, sizeof name - 1}, { record, sizeof record - 1 } \
  }
static const trainhost_descriptor all[] = {DESCRIPTOR(rule_record, "stopping_rule", "faulty_rule"), DESCRIPTOR(observer_record, "observer", "faulty_observer"),
                                           DESCRIPTOR(source_record, "data_source", "faulty_source"),
                                           DESCRIPTOR(backend_record, "checkpoint_backend", "faulty_backend"),
                                           DESCRIPTOR(accum_record, "accumulation_schedule", "faulty_accum")};
static const trainhost_descriptor* const descriptors[] = {&all[0], &all[1], &all[2], &all[3], &all[4]};

static const void* get_interface(trainhost_instance* instance, const char* id) {
  static const trainhost_stopping_rule rule = {sizeof rule, 0, check};
  static const trainhost_observer observer = {sizeof observer, 0, on_event};
  static const trainhost_data_source source = {sizeof source, 0, info, read_samples};
  static const trainhost_checkpoint_backend backend = {sizeof backend, 0, put_begin, put_part, put_commit, put_abort, create_object, get, list, remove_object};
  static const trainhost_accumulation_schedule accum = {sizeof accum, 0, next_window, out_of_memory};
  const trainhost_descriptor* mine = of(instance)->descriptor;
  if (mine == &all[0] && strcmp(id, TRAINHOST_STOPPING_RULE) == 0) return &rule;
  if (mine == &all[1] && strcmp(id, TRAINHOST_OBSERVER) == 0) return &observer;
  if (mine == &all[2] && strcmp(id, TRAINHOST_DATA_SOURCE) == 0) return &source;
  if (mine == &all[3] && strcmp(id, TRAINHOST_CHECKPOINT_BACKEND) == 0) return &backend;
  if (mine == &all[4] && strcmp(id, TRAINHOST_ACCUMULATION_SCHEDULE) == 0) return &accum;
  return NULL;
}

static trainhost_status start(trainhost_instance* instance, trainhost_error* error) {
  MAY_GO_WRONG(of(instance), "start", error);
  return TRAINHOST_OK;
}

static void stop(trainhost_instance* instance) { mishap(of(instance), "stop"); }

static void destroy(trainhost_instance* instance) {
  mishap(of(instance), "destroy");
  free(instance->impl);
}

static trainhost_status create(const trainhost_host* host, const trainhost_descriptor* descriptor, trainhost_string config, trainhost_instance** out,
                               trainhost_error* error) {
  char text[512] = "";
  faulty* self = (faulty*)calloc(1, sizeof *self);
  memcpy(text, config.data, config.length < sizeof text ? config.length : sizeof text - 1);
  copy_value(text, "\"in\":\"", self->in, sizeof self->in);
  copy_value(text, "\"how\":\"", self->how, sizeof self->how);
  if (strstr(text, "\"after\":")) self->after = atol(strstr(text, "\"after\":") + 8);
  MAY_GO_WRONG(self, "create", error);
  if (is(what, "leak")) self = (faulty*)memcpy(malloc(sizeof *self), self, sizeof *self);
  self->zoo.host = host;
  self->descriptor = descriptor;
  self->zoo.base = (trainhost_instance){sizeof(trainhost_instance), 0, self, get_interface, start, stop, destroy};
  *out = &self->zoo.base;
  return TRAINHOST_OK;
}

TRAINHOST_EXPORT const trainhost_entry* trainhost_plugin_entry_1(void) {
  static const trainhost_entry entry = {sizeof entry, TRAINHOST_ABI_MAJOR, 5, 0, descriptors, create};
  return &entry;
}
