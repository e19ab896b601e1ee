// A precision policy that plans bfloat16 on a GPU and refuses everything else.
#include <trainhost/precision_policy.h>

#include <cmath>

#include "misfit.h"

MISFIT_RECORD("precision_policy", "");

namespace {

trainhost_status plan(trainhost_instance* instance, const trainhost_device_facts* device, trainhost_precision_plan* out, trainhost_error* error) {
  Misfit& self = of(instance);
  if (device->device_type != TRAINHOST_DEVICE_CUDA)
    return fail_oddly(self, error, self.is("refuses_with_internal") ? TRAINHOST_INTERNAL : TRAINHOST_FAILED_PRECONDITION, "needs a GPU");
  out->compute = {TRAINHOST_DTYPE_BFLOAT, 16, 1};
  out->flags = TRAINHOST_PRECISION_AUTOCAST;
  out->scale_mode = TRAINHOST_SCALE_DEVICE;
  if (self.is("unsteady_plan")) out->initial_scale = 1024 + static_cast<double>(++self.counter);
  if (self.is("changes_after_an_error") && self.counter > 0) out->initial_scale = 2;
  if (self.is("endless_scale")) out->max_scale = INFINITY;
  if (self.is("shrinking_growth")) out->growth_factor = 1;
  if (self.is("odd_flag")) out->flags = 64;
  if (self.is("float8_everywhere")) out->compute = {TRAINHOST_DTYPE_FLOAT8_E4M3FN, 8, 1};
  if (self.is("integers")) out->compute = {TRAINHOST_DTYPE_INT, 8, 1};
  if (self.is("clears_what_it_does_not_know") && out->struct_size > sizeof *out) std::memset(out + 1, 0, 8);
  if (self.is("writes_beyond_the_plan")) std::memset(out + 1, 0, 1);
  return TRAINHOST_OK;
}

trainhost_status format_of(trainhost_instance* instance, trainhost_string layer, int32_t role, trainhost_dtype* in_out, trainhost_error* error) {
  Misfit& self = of(instance);
  const bool is_head = std::string_view(layer.data, layer.length) == "head";
  if (role == TRAINHOST_ROLE_SAVED && is_head) *in_out = {TRAINHOST_DTYPE_FLOAT, 32, 1};
  if (self.is("float8_layers") && is_head) *in_out = {TRAINHOST_DTYPE_FLOAT8_E5M2, 8, 1};
  if (self.is("integer_layers") && is_head) *in_out = {TRAINHOST_DTYPE_INT, 8, 1};
  if (self.is("unsteady_layers") && ++self.counter == 1) *in_out = {TRAINHOST_DTYPE_FLOAT, 16, 1};
  if (self.is("writes_beyond_the_format")) std::memset(in_out + 1, 0, 1);
  return self.is("refuses_layers_without_words") ? (error->message_length = 0, TRAINHOST_FAILED_PRECONDITION) : TRAINHOST_OK;
}

const void* table_of_kind(const Misfit& self, std::string_view id) {
  static const trainhost_precision_layers layers{sizeof layers, 0, format_of};
  if (id == TRAINHOST_PRECISION_LAYERS) return &layers;
  static const trainhost_precision_policy table{sizeof table, 0, plan}, hollow{sizeof hollow, 0, nullptr};
  if (id != TRAINHOST_PRECISION_POLICY) return nullptr;
  return self.is("null_plan") ? &hollow : &table;
}

}  // namespace

MISFIT_ENTRY("precision_policy")
