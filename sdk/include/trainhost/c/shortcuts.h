/* Shortcuts for plugins in plain C: metadata written as JSON, descriptor and entry, error text, values of the config.
 *
 * Nothing here is part of the ABI: it is compiled into the plugin, and a plugin that does without it works as well. It spares every file in C some forty
 * lines that are always the same, and three mistakes that are easily made in them: a record that differs from what the descriptor points to, a length of
 * an error text beyond its buffer, and text of the host read as if it were terminated. Plugins in C++ include plugin.hpp instead. */
#ifndef TRAINHOST_C_SHORTCUTS_H
#define TRAINHOST_C_SHORTCUTS_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trainhost/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TRAINHOST_C_TEXT_(word) #word
#define TRAINHOST_C_TEXT(word) TRAINHOST_C_TEXT_(word)

/* Makes a plugin file with one plugin, at the end of the file that has `create`: record, descriptor, entry, exported function. kind and name are string
 * literals; what follows `create` are the other members of the record (see trainhost_descriptor), written as JSON. */
#define TRAINHOST_C_PLUGIN(kind, name, create, ...)                                                                                              \
  __attribute__((section(".trainhost.plugin"), used)) static const char trainhost_c_record[] =                                                  \
      "{\"abi\":1,\"min_host_minor\":" TRAINHOST_C_TEXT(TRAINHOST_TARGET_MINOR) ",\"kind\":\"" kind "\",\"name\":\"" name "\"," #__VA_ARGS__ "}"; \
  TRAINHOST_EXPORT const trainhost_entry *trainhost_plugin_entry_1(void) {                                                                       \
    static const trainhost_descriptor descriptor = {                                                                                             \
        sizeof descriptor, 0, {kind, sizeof kind - 1}, {name, sizeof name - 1}, {trainhost_c_record, sizeof trainhost_c_record - 1}};            \
    static const trainhost_descriptor *const descriptors[] = {&descriptor};                                                                      \
    static const trainhost_entry entry = {sizeof entry, TRAINHOST_ABI_MAJOR, 1, 0, descriptors, create};                                         \
    return &entry;                                                                                                                               \
  }

/* Writes the words of a failure, as printf does, and returns the status: return trainhost_fail(error, TRAINHOST_DATA_LOSS, "%s is cut", path). */
__attribute__((format(printf, 3, 4), unused)) static trainhost_status trainhost_fail(trainhost_error *error, trainhost_status status, const char *pattern,
                                                                                   ...) {
  va_list values;
  int length;
  if (!error) return status;
  va_start(values, pattern);
  length = vsnprintf(error->message, sizeof error->message, pattern, values);
  va_end(values);
  error->message_length = length < 0 ? 0 : (uint32_t)length < sizeof error->message ? (uint32_t)length : (uint32_t)sizeof error->message - 1;
  return status;
}

__attribute__((unused)) static void trainhost_free_instance(trainhost_instance *instance) { free(instance->impl); }

/* Allocates `size` zeroed bytes that begin with a trainhost_instance, and fills that in; destroy frees them. Set start, stop and destroy after it where
 * more is to be done. NULL: out of memory. */
__attribute__((unused)) static void *trainhost_new_instance(size_t size, const void *(*get_interface)(trainhost_instance *, const char *)) {
  trainhost_instance *instance = (trainhost_instance *)calloc(1, size);
  if (!instance) return NULL;
  instance->struct_size = sizeof *instance;
  instance->impl = instance;
  instance->get_interface = get_interface;
  instance->destroy = trainhost_free_instance;
  return instance;
}

/* Where the value of a key begins in the config, NULL when it is absent. Quotes inside of a JSON string are escaped, so that "key" before a colon is a key. */
__attribute__((unused)) static const char *trainhost_config_value(trainhost_string config, const char *key) {
  const size_t length = strlen(key);
  const char *const end = config.data + config.length;
  for (const char *at = config.data; at && (size_t)(end - at) > length + 2; ++at) {
    const char *rest = at + length + 2;
    if (at[0] != '"' || memcmp(at + 1, key, length) != 0 || at[length + 1] != '"') continue;
    while (rest < end && strchr(" \t\r\n", *rest)) ++rest;
    if (rest == end || *rest++ != ':') continue;
    while (rest < end && strchr(" \t\r\n", *rest)) ++rest;
    return rest < end ? rest : NULL;
  }
  return NULL;
}

/* A number, or true or false as 1 or 0; integers are exact up to 2^53. */
__attribute__((unused)) static double trainhost_config_number(trainhost_string config, const char *key, double fallback) {
  const char *value = trainhost_config_value(config, key);
  char text[64] = {0};
  size_t length;
  if (!value) return fallback;
  length = (size_t)(config.data + config.length - value);
  memcpy(text, value, length < sizeof text - 1 ? length : sizeof text - 1);
  if (text[0] == 't' || text[0] == 'f') return text[0] == 't';
  return strtod(text, NULL);
}

/* Copies a text and a terminating NUL to out; "" when the key is absent. 0: it does not fit, or holds a backslash: escapes are not resolved here. */
__attribute__((unused)) static int trainhost_config_text(trainhost_string config, const char *key, char *out, size_t capacity) {
  const char *begin = trainhost_config_value(config, key);
  const char *const end = config.data + config.length;
  size_t length = 0;
  out[0] = '\0';
  if (!begin++) return 1;
  while (begin + length < end && begin[length] != '"')
    if (begin[length++] == '\\') return 0;
  if (length >= capacity) return 0;
  memcpy(out, begin, length);
  out[length] = '\0';
  return 1;
}

#ifdef __cplusplus
}
#endif
#endif
