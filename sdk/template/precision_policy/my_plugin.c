/* bf16 where the device has units for it, float32 elsewhere.
 *
 * A policy plans and the host carries out: it owns the masters, the casts, the gradients and the loss scale. A policy is asked once, before the model is
 * built. What the hardware cannot do is refused; what is merely slow is planned, and said in the log. */
#include <string.h>

#include <trainhost/c/shortcuts.h>
#include <trainhost/precision_policy.h>

/* One instance. The base comes first: the host knows the instance by it. */
struct policy {
  trainhost_instance base;
  const trainhost_host *host;
  int is_deterministic;
};

/* capability: 10 * major + minor on CUDA, bits on a CPU. */
static int has_bf16_units(const trainhost_device_facts *device) {
  if (device->device_type == TRAINHOST_DEVICE_CUDA) return device->capability >= 80;
  return device->device_type == TRAINHOST_DEVICE_CPU && (device->capability & TRAINHOST_CPU_BF16) != 0;
}

static void say_float32(const struct policy *self, trainhost_string device) {
  const trainhost_log *log = self->host->get_service(self->host, TRAINHOST_LOG); /* always present */
  char words[256];
  snprintf(words, sizeof words, "%.*s has no units for bf16; computing in float32", (int)(device.length < 128 ? device.length : 128), device.data);
  log->write(self->host, TRAINHOST_LOG_INFO, (trainhost_string){words, strlen(words)});
}

/* The plan comes in as the host's default: float32 everywhere, nobody scales the loss. bf16 has the range of float32 and needs no scale; fp16 wants
 * scale_mode = TRAINHOST_SCALE_DEVICE. */
static trainhost_status plan(trainhost_instance *instance, const trainhost_device_facts *device, trainhost_precision_plan *in_out, trainhost_error *error) {
  const struct policy *self = instance->impl;
  (void)error;
  if (self->is_deterministic) in_out->flags |= TRAINHOST_PRECISION_DETERMINISTIC;
  if (!has_bf16_units(device)) {
    say_float32(self, device->name);
    return TRAINHOST_OK;
  }
  in_out->flags |= TRAINHOST_PRECISION_AUTOCAST; /* parameters stay float32; operators that gain from it compute in `compute` */
  in_out->compute = (trainhost_dtype){TRAINHOST_DTYPE_BFLOAT, 16, 1};
  return TRAINHOST_OK;
}

/* The table is frozen under its id: what is added later gets another id. */
static const trainhost_precision_policy table = {sizeof table, 0, plan};

/* Always the same answer; NULL for every id that this plugin does not know. */
static const void *get_interface(trainhost_instance *instance, const char *id) {
  (void)instance;
  return strcmp(id, TRAINHOST_PRECISION_POLICY) == 0 ? &table : NULL;
}

/* The config has been checked against the schema below; keys that the user left out are absent. Text of the host is not terminated. */
static trainhost_status create(const trainhost_host *host, const trainhost_descriptor *descriptor, trainhost_string config, trainhost_instance **out,
                               trainhost_error *error) {
  struct policy *self = trainhost_new_instance(sizeof *self, get_interface);
  (void)descriptor;
  if (!self) return trainhost_fail(error, TRAINHOST_RESOURCE_EXHAUSTED, "out of host memory");
  self->host = host;
  self->is_deterministic = trainhost_config_number(config, "deterministic", 0) != 0;
  *out = &self->base;
  return TRAINHOST_OK;
}

/* The metadata, as JSON: it stands in a section of the file, so that `trainhost plugins list` runs no code of yours. */
/* clang-format off */
TRAINHOST_C_PLUGIN("precision_policy", "my_plugin", create,
  "version": "1.0.0",
  "summary": "bf16 where the device has units for it, float32 elsewhere",
  "schema": {
    "type": "object",
    "additionalProperties": false,
    "properties": {"deterministic": {"type": "boolean", "default": false, "description": "only kernels that give the same bits each time"}}
  },
  "torch_build": null, "needs": [], "schemes": [], "decorates": 0, "stateful": false)
/* clang-format on */
