// An accumulation schedule: 32 samples in micro-batches of 8, which it halves.
#include <trainhost/accumulation_schedule.h>

#include "misfit.h"

MISFIT_RECORD("accumulation_schedule", "");

namespace {

trainhost_status next_window(trainhost_instance* instance, const trainhost_progress* progress, trainhost_window* window, trainhost_error*) {
  Misfit& self = of(instance);
  static uint64_t all_calls = 0;
  ++all_calls;
  if (window->micro_batch_samples == 0 || window->micro_batch_samples > 8) window->micro_batch_samples = 8;
  const uint64_t samples = window->micro_batch_samples;
  *window = {sizeof *window, 0, samples, 32 / samples, 0, 0};
  if (self.is("empty_window")) window->micro_batch_samples = 0;
  if (self.is("two_targets")) window->target_tokens = 100;
  if (self.is("unsteady_windows")) window->num_micro_batches = all_calls % 7 + 1;
  if (self.is("window_shrinks_too")) window->num_micro_batches = 4;
  if (self.is("ends_in_nothing") && progress->step > 100000) window->num_micro_batches = 0;
  if (self.is("rounds_up_late") && progress->step > 100000 && samples < 8) ++window->num_micro_batches;
  if (self.is("drops_the_rest") && self.size() % 3 == 0) window->num_micro_batches = 32 / (samples + 1);
  if (self.is("changes_after_an_error") && self.counter > 0) window->num_micro_batches = 1;
  return TRAINHOST_OK;
}

trainhost_status out_of_memory(trainhost_instance* instance, const trainhost_window* failed, uint64_t, uint64_t* samples, trainhost_error* error) {
  Misfit& self = of(instance);
  ++self.counter;
  if (self.is("stubborn")) return *samples = failed->micro_batch_samples, TRAINHOST_OK;
  if (failed->micro_batch_samples == 1)
    return fail_oddly(self, error, self.is("gives_up_oddly") ? TRAINHOST_INTERNAL : TRAINHOST_RESOURCE_EXHAUSTED, "one sample does not fit");
  *samples = failed->micro_batch_samples / 2;
  return TRAINHOST_OK;
}

const void* table_of_kind(const Misfit&, std::string_view id) {
  static const trainhost_accumulation_schedule table{sizeof table, 0, next_window, out_of_memory};
  return id == TRAINHOST_ACCUMULATION_SCHEDULE ? &table : nullptr;
}

}  // namespace

MISFIT_ENTRY("accumulation_schedule")
