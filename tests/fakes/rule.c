/* A stopping rule with state and observer. As it stands it is well-behaved; definitions make one lie of it each (CMakeLists.txt has the list), and its
 * config tells it to misbehave in a call. */
#include <trainhost/stopping_rule.h>

#include "zoo.h"

#ifndef ZOO_NAME
#define ZOO_NAME good
#endif
#ifndef ZOO_KIND
#define ZOO_KIND stopping_rule
#endif
#ifndef ZOO_ABI
#define ZOO_ABI 1
#endif
#ifndef ZOO_MINOR
#define ZOO_MINOR 0
#endif
#ifndef ZOO_TORCH
#define ZOO_TORCH "null"
#endif
#ifndef ZOO_NEEDS
#define ZOO_NEEDS ""
#endif
#ifndef ZOO_STATEFUL
#define ZOO_STATEFUL true
#endif
#ifndef ZOO_METADATA
#define ZOO_METADATA                                                                                                                                  \
  "{\"abi\":" ZOO_QUOTED(ZOO_ABI) ",\"min_host_minor\":" ZOO_QUOTED(ZOO_MINOR) ",\"kind\":\"" ZOO_QUOTED(ZOO_KIND) "\",\"name\":\"" ZOO_QUOTED(ZOO_NAME) \
  "\",\"version\":\"1.2.3\",\"summary\":\"One of the zoo\",\"schema\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"             \
  "\"behaviour\":{\"type\":\"string\",\"default\":\"\",\"enum\":[\"\",\"throws\",\"says_no\"],\"description\":\"how to misbehave\"},"                 \
  "\"patience\":{\"type\":\"integer\",\"minimum\":1,\"description\":\"evaluations to wait\"}},\"required\":[\"patience\"]},"                            \
  "\"torch_build\":" ZOO_TORCH ",\"needs\":[" ZOO_NEEDS "],\"stateful\":" ZOO_QUOTED(ZOO_STATEFUL) "}"
#endif
#ifndef ZOO_DESCRIPTOR_NAME
#define ZOO_DESCRIPTOR_NAME ZOO_NAME
#endif
#ifndef ZOO_ENTRY
#define ZOO_ENTRY trainhost_plugin_entry_1
#endif
#ifndef ZOO_ENTRY_ABI
#define ZOO_ENTRY_ABI 1
#endif
#ifndef ZOO_CREATE
#define ZOO_CREATE create
#endif
#ifndef ZOO_CHECK
#define ZOO_CHECK check
#endif
#ifndef ZOO_INTERFACE
#define ZOO_INTERFACE get_interface
#endif
#ifndef ZOO_OFFERS_STATE
#define ZOO_OFFERS_STATE 1
#endif

ZOO_RECORD metadata[] = ZOO_METADATA;
#ifdef ZOO_OTHER_BYTES
static const char described[] = "{}";
#else
#define described metadata
#endif

#ifdef ZOO_MISSING_SYMBOL
void zoo_symbol_that_nobody_has(void);
#endif

static trainhost_status answer(zoo *self, trainhost_verdict *verdict) {
  verdict->stop = TRAINHOST_STOP_BUDGET;
  if (is_told(self, "unknown_stop")) verdict->stop = 77;
  if (is_told(self, "says_no")) verdict->stop = TRAINHOST_STOP_NO;
  verdict->restore_best = 1;
  if (!is_told(self, "no_reason")) verdict->reason_length = (uint32_t)snprintf(verdict->reason, sizeof verdict->reason, "spent 4.20 of 4.00 usd");
  if (is_told(self, "long_reason")) verdict->reason_length = 5000;
  if (is_told(self, "latin1_reason")) memcpy(verdict->reason, "caf\xe9", 4), verdict->reason_length = 4;
  if (is_told(self, "overflows")) memset(verdict->reason, 'x', sizeof verdict->reason + 8);
  return TRAINHOST_OK;
}

/* What a C++ plugin without the glue would do; defined in thrower.cpp. */
void zoo_throw(const char *words);

static trainhost_status check(trainhost_instance *instance, const trainhost_progress *progress, const trainhost_metric *metrics, uint64_t num_metrics,
                              trainhost_verdict *verdict, trainhost_error *error) {
  zoo *self = zoo_of(instance);
  (void)metrics;
  note(self, "check");
  self->counter += num_metrics + 1;
  if (progress->struct_size < sizeof *progress || verdict->struct_size != sizeof *verdict || verdict->stop != TRAINHOST_STOP_NO || verdict->reason_length)
    return say(error, TRAINHOST_INTERNAL, "the host gave a bad struct");
  if (is_told(self, "throws")) zoo_throw("thrown on purpose");
  if (is_told(self, "unavailable")) return say(error, TRAINHOST_UNAVAILABLE, "come back later");
  if (is_told(self, "odd_status")) return 99;
  if (is_told(self, "long_words")) {
    memset(error->message, 'w', sizeof error->message);
    error->message_length = 60000;
    return TRAINHOST_INTERNAL;
  }
  if (is_told(self, "latin1_words")) return say(error, TRAINHOST_INTERNAL, "caf\xe9\nau lait");
  if (is_told(self, "logs")) {
    const trainhost_log *log = (const trainhost_log *)self->host->get_service(self->host, TRAINHOST_LOG);
    log->write(self->host, TRAINHOST_LOG_WARNING, text_of("from the zoo"));
    log->write(self->host, 1234, text_of("an odd level"));
  }
  return answer(self, verdict);
}

static trainhost_status on_event(trainhost_instance *instance, const trainhost_event *event, trainhost_error *error) {
  zoo *self = zoo_of(instance);
  note(self, "on_event");
  if (event->struct_size < sizeof *event || (event->progress && event->progress->struct_size < sizeof *event->progress))
    return say(error, TRAINHOST_INTERNAL, "the host gave a bad struct");
  if (strncmp(event->name.data, "bad", 3) == 0) return say(error, TRAINHOST_UNKNOWN, "do not like it");
  return TRAINHOST_OK;
}

static const void *get_interface(trainhost_instance *instance, const char *id) {
  static const trainhost_stopping_rule rule = {sizeof rule, 0, ZOO_CHECK};
  static const trainhost_stopping_rule small_rule = {8, 0, ZOO_CHECK};
  static const trainhost_observer observer = {sizeof observer, 0, on_event};
  if (strcmp(id, TRAINHOST_STOPPING_RULE) == 0) return is_told(zoo_of(instance), "small_table") ? &small_rule : &rule;
  if (strcmp(id, TRAINHOST_STATE) == 0 && ZOO_OFFERS_STATE) return &zoo_state;
  if (strcmp(id, TRAINHOST_OBSERVER) == 0) return &observer;
  return NULL;
}

#define UNUSED __attribute__((unused))

static UNUSED const void *no_interface(trainhost_instance *instance, const char *id) { return (void)instance, (void)id, NULL; }

static UNUSED trainhost_status create(const trainhost_host *host, const trainhost_descriptor *descriptor, trainhost_string config, trainhost_instance **out,
                                      trainhost_error *error) {
  zoo *self = zoo_new(host, config);
  (void)descriptor;
#ifdef ZOO_MISSING_SYMBOL
  zoo_symbol_that_nobody_has();
#endif
  if (is_told(self, "bad_config") || is_told(self, "create_fails")) {
    const trainhost_status status = is_told(self, "bad_config") ? TRAINHOST_INVALID_ARGUMENT : TRAINHOST_PERMISSION_DENIED;
    zoo_destroy(&self->base);
    return say(error, status, "patience and target cannot go together");
  }
  self->base.get_interface = ZOO_INTERFACE;
  if (is_told(self, "no_destroy")) {
    static zoo *volatile never_freed; /* kept in sight, so that a leak checker does not take it for the host's */
    never_freed = self;
    self->base.destroy = never_freed ? NULL : zoo_destroy;
  }
  *out = &self->base;
  return TRAINHOST_OK;
}

static UNUSED trainhost_status create_nothing(const trainhost_host *host, const trainhost_descriptor *descriptor, trainhost_string config,
                                              trainhost_instance **out, trainhost_error *error) {
  return (void)host, (void)descriptor, (void)config, (void)out, (void)error, TRAINHOST_OK;
}

static const trainhost_descriptor descriptor_one = {sizeof descriptor_one, 0,
                                                    {ZOO_QUOTED(ZOO_KIND), sizeof ZOO_QUOTED(ZOO_KIND) - 1},
                                                    {ZOO_QUOTED(ZOO_DESCRIPTOR_NAME), sizeof ZOO_QUOTED(ZOO_DESCRIPTOR_NAME) - 1},
                                                    {described, sizeof described - 1}};
static const trainhost_descriptor *const descriptors[] = {&descriptor_one};
static const trainhost_entry entry = {sizeof entry, ZOO_ENTRY_ABI, 1, 0, descriptors, ZOO_CREATE};

#ifdef ZOO_SECOND_EXPORT
TRAINHOST_EXPORT int zoo_second_export(void);
TRAINHOST_EXPORT int zoo_second_export(void) { return 2; }
#endif

TRAINHOST_EXPORT const trainhost_entry *ZOO_ENTRY(void) {
#ifdef ZOO_NO_ENTRY
  return NULL;
#else
  return &entry;
#endif
}
