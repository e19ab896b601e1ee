/* A source of rows whose class is where their first number lies, and a decorator that passes everything on. */
#include "frozen.h"

enum { NUM_FEATURES = 4, NUM_CLASSES = 3 };

static const trainhost_field x_field = {
    sizeof x_field, TRAINHOST_FIELD_INPUT, {"x", 1}, {TRAINHOST_DTYPE_FLOAT, 32, 1}, 1, {NUM_FEATURES}, {NUM_FEATURES}, 0, 0};
static const trainhost_field y_field = {sizeof y_field, TRAINHOST_FIELD_TARGET, {"y", 1}, {TRAINHOST_DTYPE_INT, 64, 1}, 0, {0}, {0}, NUM_CLASSES, -1};
static const trainhost_field* const fields[] = {&x_field, &y_field};
static const uint64_t blocks[] = {0, 10};

/* Assigns all that it knows at once, the size too. */
static trainhost_status info(trainhost_instance* instance, trainhost_source_info* out, trainhost_error* error) {
  const trainhost_source_info own = {sizeof own, 2, fields, number_of(frozen_of(instance), "samples", 100), 2, blocks, {10}};
  if (!GIVEN(out)) return TOO_SMALL(error);
  ++frozen_of(instance)->num_calls;
  *out = own;
  return TRAINHOST_OK;
}

/* 0..999, the same for an id and a position in its row. */
static uint64_t noise(uint64_t id, uint64_t position) { return ((id * NUM_FEATURES + position + 1) * 2654435761u >> 7) % 1000; }

static trainhost_status read_one(uint64_t id, uint64_t index, const trainhost_batch_writer* writer, trainhost_error* error) {
  static const int64_t shape[] = {NUM_FEATURES};
  trainhost_tensor x, y;
  trainhost_status status = writer->reserve(writer->impl, index, 0, shape, &x, error);
  if (status == TRAINHOST_OK) status = writer->reserve(writer->impl, index, 1, NULL, &y, error);
  if (status != TRAINHOST_OK) return status;
  for (uint64_t i = 0; i < NUM_FEATURES; ++i) ((float*)x.data)[i] = (float)noise(id, i) / 500.0f - 1.0f;
  *(int64_t*)y.data = (int64_t)(noise(id, 0) * NUM_CLASSES / 1000);
  return TRAINHOST_OK;
}

static trainhost_status read_samples(trainhost_instance* instance, const trainhost_read* wanted, const trainhost_batch_writer* writer, trainhost_error* error) {
  (void)instance;
  if (!GIVEN(wanted)) return TOO_SMALL(error);
  for (uint64_t i = 0; i < wanted->num_samples; ++i) {
    const trainhost_status status = read_one(wanted->ids[i], i, writer, error);
    if (status != TRAINHOST_OK) return status;
  }
  return TRAINHOST_OK;
}

static trainhost_status lengths(trainhost_instance* instance, const uint64_t* ids, uint64_t num_ids, uint64_t* out, trainhost_error* error) {
  (void)instance, (void)ids, (void)error;
  for (uint64_t i = 0; i < num_ids; ++i) out[i] = 1;
  return TRAINHOST_OK;
}

static trainhost_status encode(trainhost_instance* instance, trainhost_string text, int64_t* out, uint64_t capacity, uint64_t* written,
                               trainhost_error* error) {
  (void)instance, (void)error;
  *written = text.length;
  for (uint64_t i = 0; i < text.length && i < capacity; ++i) out[i] = (unsigned char)text.data[i];
  return TRAINHOST_OK;
}

static trainhost_status decode(trainhost_instance* instance, const int64_t* tokens, uint64_t num_tokens, char* out, uint64_t capacity, uint64_t* written,
                               trainhost_error* error) {
  (void)instance, (void)error;
  *written = num_tokens;
  for (uint64_t i = 0; i < num_tokens && i < capacity; ++i) out[i] = (char)tokens[i];
  return TRAINHOST_OK;
}

static const trainhost_data_source source_table = {sizeof source_table, 0, info, read_samples};
static const trainhost_data_lengths lengths_table = {sizeof lengths_table, 0, lengths};
static const trainhost_text text_table = {sizeof text_table, 0, encode, decode};
const frozen_plugin frozen_source = {
    "frozen_source", NULL, {{TRAINHOST_DATA_SOURCE, &source_table}, {TRAINHOST_DATA_LENGTHS, &lengths_table}, {TRAINHOST_TEXT, &text_table}}};

/* ---- the decorator ---- */
static const trainhost_data_source* upstream_of(frozen* self, trainhost_instance** instance) {
  const trainhost_upstream* upstream = (const trainhost_upstream*)self->host->get_service(self->host, TRAINHOST_UPSTREAM);
  *instance = upstream->at(self->host, 0);
  return (const trainhost_data_source*)(*instance)->get_interface(*instance, TRAINHOST_DATA_SOURCE);
}

static trainhost_status relay_info(trainhost_instance* instance, trainhost_source_info* out, trainhost_error* error) {
  trainhost_instance* inner;
  const trainhost_data_source* source = upstream_of(frozen_of(instance), &inner);
  ++frozen_of(instance)->num_calls;
  return source->info(inner, out, error);
}

/* Asks with a struct of its own, as large as its headers declare. */
static trainhost_status relay_read(trainhost_instance* instance, const trainhost_read* wanted, const trainhost_batch_writer* writer, trainhost_error* error) {
  trainhost_instance* inner;
  const trainhost_data_source* source = upstream_of(frozen_of(instance), &inner);
  trainhost_read* own = (trainhost_read*)fence_new(sizeof *own);
  const trainhost_read copied = {sizeof copied, 0, wanted->num_samples, wanted->ids, wanted->random_keys};
  trainhost_status status;
  *own = copied;
  status = source->read(inner, own, writer, error);
  fence_free(own);
  return status;
}

static const trainhost_data_source relay_table = {sizeof relay_table, 0, relay_info, relay_read};
const frozen_plugin frozen_relay = {"frozen_relay", NULL, {{TRAINHOST_DATA_SOURCE, &relay_table}}};
