/* Precision policies: say in which number formats a run computes, and how its loss is scaled.
 *
 * A policy plans; the host carries out. It owns the masters, the casts, the gradients and the whole loss-scale machine, which runs on the device and is
 * part of the checkpoint. Own kernels or an own scaling rule are another interface, for plugins that link LibTorch.
 *
 * Examples: plugins/precision_policy/fp32, plugins/precision_policy/amp. */
#ifndef TRAINHOST_PRECISION_POLICY_H
#define TRAINHOST_PRECISION_POLICY_H

#include "trainhost/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Who scales the loss. NONE: nobody. DEVICE: the host, dynamically: times backoff_factor after a window with non-finite gradients, times growth_factor
 * after growth_interval windows without. */
enum { TRAINHOST_SCALE_NONE = 0, TRAINHOST_SCALE_DEVICE = 1 };

/* Flags of a plan. */
enum {
  TRAINHOST_PRECISION_DETERMINISTIC = 1, /* only kernels that give the same bits each time */
  TRAINHOST_PRECISION_ALLOW_TF32 = 2,
  TRAINHOST_PRECISION_AUTOCAST = 4,      /* parameters stay as they are; operators that gain from it cast to `compute` */
  TRAINHOST_PRECISION_LOW_PARAMETERS = 8 /* the model computes on copies of format `parameter`; the optimizer updates masters of format `master` */
};

/* Bits of device_facts.capability on a CPU: units that make the format fast, not merely possible. On CUDA: 10 * major + minor, so 90 for 9.0. */
enum { TRAINHOST_CPU_BF16 = 1, TRAINHOST_CPU_FP16 = 2 };

/* Grows. What the run computes on. Borrowed until the call returns. */
typedef struct trainhost_device_facts {
  uint32_t struct_size;
  int32_t device_type; /* TRAINHOST_DEVICE_* */
  uint32_t capability, reserved;
  uint64_t memory_bytes; /* 0 = not known */
  trainhost_string name;
} trainhost_device_facts;

/* Grows. The answer. It comes in as the host's default: float32 everywhere, no flags, SCALE_NONE, PyTorch's scaling constants. */
typedef struct trainhost_precision_plan {
  uint32_t struct_size, flags;
  trainhost_dtype compute;   /* of matrix products and convolutions */
  trainhost_dtype parameter; /* of the weights that the model sees */
  trainhost_dtype master;    /* of the weights that the optimizer updates and the checkpoint holds */
  trainhost_dtype gradient;  /* of the accumulated gradients */
  int32_t scale_mode;        /* TRAINHOST_SCALE_* */
  uint32_t growth_interval;  /* windows */
  double initial_scale, growth_factor, backoff_factor, min_scale, max_scale;
} trainhost_precision_plan;

#define TRAINHOST_PRECISION_POLICY "trainhost.precision_policy/1"
typedef struct trainhost_precision_policy {
  uint32_t struct_size, reserved;

  /* Decides for this device, once, before the model is built. On a resume the saved scale wins over initial_scale.
   * Failure: FAILED_PRECONDITION when the hardware cannot do it (slow is not cannot: say so in the log and plan it); the run does not begin. [main] */
  trainhost_status (*plan)(trainhost_instance *, const trainhost_device_facts *, trainhost_precision_plan *in_out, trainhost_error *);
} trainhost_precision_policy;

/* What a tensor of a layer is to it. */
enum { TRAINHOST_ROLE_WEIGHT = 0, TRAINHOST_ROLE_INPUT = 1, TRAINHOST_ROLE_GRADIENT = 2, TRAINHOST_ROLE_SAVED = 3 };

/* Optional: a format of its own for one tensor of one layer; without it the plan's. */
#define TRAINHOST_PRECISION_LAYERS "trainhost.precision_layers/1"
typedef struct trainhost_precision_layers {
  uint32_t struct_size, reserved;

  /* layer: the name of its weight, "blocks.0.attention.query"; role: TRAINHOST_ROLE_*. in_out comes in as the plan's format for it.
   * Asked once for each, after plan. Failure: the run does not begin. [main] */
  trainhost_status (*format_of)(trainhost_instance *, trainhost_string layer, int32_t role, trainhost_dtype *in_out, trainhost_error *);
} trainhost_precision_layers;

#ifdef __cplusplus
}
#endif
#endif
