/* Formats, windows, rates, and the rule that ends a run: plugins that answer with numbers. */
#include "frozen.h"

#include <math.h>

/* ---- precision policy: float32, deterministic, for every layer ---- */
static trainhost_status plan(trainhost_instance* instance, const trainhost_device_facts* device, trainhost_precision_plan* in_out, trainhost_error* error) {
  if (!GIVEN(device) || !GIVEN(in_out)) return TOO_SMALL(error);
  ++frozen_of(instance)->num_calls;
  in_out->flags = TRAINHOST_PRECISION_DETERMINISTIC;
  in_out->growth_interval = 1234;
  return device->device_type == TRAINHOST_DEVICE_CPU ? TRAINHOST_OK : fail(error, TRAINHOST_FAILED_PRECONDITION, "only knows the CPU");
}

static trainhost_status format_of(trainhost_instance* instance, trainhost_string layer, int32_t role, trainhost_dtype* in_out, trainhost_error* error) {
  (void)layer, (void)role, (void)in_out, (void)error;
  return ++frozen_of(instance)->num_calls, TRAINHOST_OK;
}

static const trainhost_precision_policy policy_table = {sizeof policy_table, 0, plan};
static const trainhost_precision_layers layers_table = {sizeof layers_table, 0, format_of};
const frozen_plugin frozen_policy = {"frozen_policy", NULL, {{TRAINHOST_PRECISION_POLICY, &policy_table}, {TRAINHOST_PRECISION_LAYERS, &layers_table}}};

/* ---- accumulation schedule: two micro-batches of what a trial said would fit ---- */
static trainhost_status try_once(frozen* self, uint64_t samples, uint32_t* fits, trainhost_error* error) {
  const trainhost_memory* memory = (const trainhost_memory*)self->host->get_service(self->host, TRAINHOST_MEMORY);
  trainhost_probe* probe = (trainhost_probe*)fence_new(sizeof *probe);
  trainhost_status status = TRAINHOST_OK;
  probe->struct_size = sizeof *probe;
  probe->fits = 1;
  if (memory && self->num_calls == 0) status = memory->probe(self->host, samples, probe, error);
  *fits = probe->fits;
  fence_free(probe);
  return status;
}

static trainhost_status next_window(trainhost_instance* instance, const trainhost_progress* progress, trainhost_window* in_out, trainhost_error* error) {
  frozen* self = frozen_of(instance);
  const uint64_t samples = number_of(self, "samples", 4);
  uint32_t fits;
  trainhost_status status;
  if (!GIVEN(progress) || !GIVEN(in_out)) return TOO_SMALL(error);
  status = try_once(self, samples, &fits, error);
  if (status != TRAINHOST_OK) return status;
  ++self->num_calls;
  in_out->micro_batch_samples = fits ? samples : 1;
  in_out->num_micro_batches = 2;
  return TRAINHOST_OK;
}

static trainhost_status out_of_memory(trainhost_instance* instance, const trainhost_window* failed, uint64_t attempt, uint64_t* samples,
                                      trainhost_error* error) {
  (void)attempt, ++frozen_of(instance)->num_calls;
  if (!GIVEN(failed)) return TOO_SMALL(error);
  if (failed->micro_batch_samples < 2) return fail(error, TRAINHOST_RESOURCE_EXHAUSTED, "one sample does not fit");
  *samples = failed->micro_batch_samples / 2;
  return TRAINHOST_OK;
}

static const trainhost_accumulation_schedule accum_table = {sizeof accum_table, 0, next_window, out_of_memory};
const frozen_plugin frozen_accum = {"frozen_accum", NULL, {{TRAINHOST_ACCUMULATION_SCHEDULE, &accum_table}}};

/* ---- learning-rate schedule: 1 / (1 + step) ---- */
static trainhost_status update(trainhost_instance* instance, const trainhost_progress* progress, const trainhost_metric* metrics, uint64_t num_metrics,
                               uint32_t* is_changed, trainhost_error* error) {
  (void)metrics, (void)num_metrics, (void)is_changed;
  ++frozen_of(instance)->num_calls;
  return GIVEN(progress) ? TRAINHOST_OK : TOO_SMALL(error);
}

static trainhost_status factors(trainhost_instance* instance, const trainhost_progress* at, const double* fractions, uint64_t num_steps, double* out,
                                trainhost_error* error) {
  (void)fractions, ++frozen_of(instance)->num_calls;
  if (!GIVEN(at)) return TOO_SMALL(error);
  for (uint64_t i = 0; i < num_steps; ++i) out[i] = 1.0 / (double)(1 + at->step + i);
  return TRAINHOST_OK;
}

static const trainhost_lr_schedule rates_table = {sizeof rates_table, 0, update, factors};
const frozen_plugin frozen_rates = {"frozen_rates", NULL, {{TRAINHOST_LR_SCHEDULE, &rates_table}}};

/* ---- stopping rule: after a number of windows that it counts itself, over resumes ---- */
static trainhost_status check(trainhost_instance* instance, const trainhost_progress* progress, const trainhost_metric* metrics, uint64_t num_metrics,
                              trainhost_verdict* verdict, trainhost_error* error) {
  frozen* self = frozen_of(instance);
  (void)metrics, (void)num_metrics;
  if (!GIVEN(progress) || !GIVEN(verdict)) return TOO_SMALL(error);
  if (++self->num_calls < number_of(self, "windows", 1000)) return TRAINHOST_OK;
  verdict->stop = TRAINHOST_STOP_DONE;
  verdict->reason_length = (uint32_t)snprintf(verdict->reason, sizeof verdict->reason, "was asked %llu times", (unsigned long long)self->num_calls);
  return TRAINHOST_OK;
}

static trainhost_status save(trainhost_instance* instance, const trainhost_writer* writer, trainhost_error* error) {
  return writer->write(writer->impl, &frozen_of(instance)->num_calls, sizeof(uint64_t), error);
}

static trainhost_status load(trainhost_instance* instance, trainhost_string version, const void* bytes, uint64_t size, trainhost_error* error) {
  (void)version;
  if (size != sizeof(uint64_t)) return fail(error, TRAINHOST_DATA_LOSS, "the state has another size");
  memcpy(&frozen_of(instance)->num_calls, bytes, sizeof(uint64_t));
  return TRAINHOST_OK;
}

static const trainhost_stopping_rule rule_table = {sizeof rule_table, 0, check};
static const trainhost_state state_table = {sizeof state_table, 0, save, load};
const frozen_plugin frozen_rule = {"frozen_rule", NULL, {{TRAINHOST_STOPPING_RULE, &rule_table}, {TRAINHOST_STATE, &state_table}}};

/* ---- observer: counts, and tells the host what it begins with ---- */
static void tell(const trainhost_host* host, double events) {
  const trainhost_report* report = (const trainhost_report*)host->get_service(host, TRAINHOST_REPORT);
  const trainhost_string names[] = {text_of("events"), text_of("nothing")};
  const double values[] = {events, NAN};
  if (report && report->struct_size >= sizeof *report) report->publish(host, text_of("frozen"), names, values, 2);
}

static trainhost_status on_event(trainhost_instance* instance, const trainhost_event* event, trainhost_error* error) {
  if (++frozen_of(instance)->num_calls == 1) tell(frozen_of(instance)->host, 1); /* once: what is told is an event itself */
  if (!GIVEN(event) || (event->progress && !GIVEN(event->progress))) return TOO_SMALL(error);
  return event->name.length > 0 ? TRAINHOST_OK : fail(error, TRAINHOST_INTERNAL, "an event without a name");
}

static const trainhost_observer observer_table = {sizeof observer_table, 0, on_event};
const frozen_plugin frozen_observer = {"frozen_observer", NULL, {{TRAINHOST_OBSERVER, &observer_table}}};
