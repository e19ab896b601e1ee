/* The functions themselves, in a file of their own so that no caller can see into them. */
#include "idle.h"

trainhost_status idle_plan(trainhost_instance* instance, const trainhost_device_facts* device, trainhost_precision_plan* plan, trainhost_error* error) {
  (void)instance, (void)device, (void)plan, (void)error;
  return TRAINHOST_OK;
}

trainhost_status idle_next_window(trainhost_instance* instance, const trainhost_progress* progress, trainhost_window* window, trainhost_error* error) {
  (void)instance, (void)progress, (void)error;
  window->micro_batch_samples = window->num_micro_batches = 1;
  return TRAINHOST_OK;
}

trainhost_status idle_out_of_memory(trainhost_instance* instance, const trainhost_window* failed, uint64_t attempt, uint64_t* samples, trainhost_error* error) {
  (void)instance, (void)failed, (void)attempt, (void)samples, (void)error;
  return TRAINHOST_RESOURCE_EXHAUSTED;
}

trainhost_status idle_info(trainhost_instance* instance, trainhost_source_info* info, trainhost_error* error) {
  static const trainhost_field field = {sizeof field, TRAINHOST_FIELD_INPUT, {"x", 1}, {TRAINHOST_DTYPE_FLOAT, 32, 1}, 0, {0}, {0}, 0, 0};
  static const trainhost_field* const fields[] = {&field};
  (void)instance, (void)error;
  info->fields = fields;
  info->num_fields = 1;
  info->num_samples = 1;
  return TRAINHOST_OK;
}

trainhost_status idle_read(trainhost_instance* instance, const trainhost_read* wanted, const trainhost_batch_writer* writer, trainhost_error* error) {
  (void)instance, (void)wanted, (void)writer, (void)error;
  return TRAINHOST_OK;
}

trainhost_status idle_create_object(trainhost_instance* instance, trainhost_string key, const void* bytes, uint64_t size, trainhost_error* error) {
  (void)instance, (void)key, (void)bytes, (void)size, (void)error;
  return TRAINHOST_OK;
}

trainhost_status idle_check(trainhost_instance* instance, const trainhost_progress* progress, const trainhost_metric* metrics, uint64_t num_metrics,
                            trainhost_verdict* verdict, trainhost_error* error) {
  (void)instance, (void)progress, (void)metrics, (void)num_metrics, (void)verdict, (void)error;
  return TRAINHOST_OK;
}

trainhost_status idle_factors(trainhost_instance* instance, const trainhost_progress* at, const double* fractions, uint64_t num_steps, double* factors,
                              trainhost_error* error) {
  (void)instance, (void)at, (void)fractions, (void)error;
  for (uint64_t i = 0; i < num_steps; ++i) factors[i] = 1;
  return TRAINHOST_OK;
}

trainhost_status idle_on_event(trainhost_instance* instance, const trainhost_event* event, trainhost_error* error) {
  (void)instance, (void)event, (void)error;
  return TRAINHOST_OK;
}
