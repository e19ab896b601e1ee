// Asks for the plan and refuses one that the host could not carry out.
#include "plugin/precision_policy.h"

#include <cmath>

#include "plugin/dtype.h"
#include "plugin/guarded.h"
#include "plugin/text.h"

namespace trainhost {
namespace {

constexpr trainhost_dtype kFloat32{TRAINHOST_DTYPE_FLOAT, 32, 1};
constexpr uint32_t kKnownFlags =
    TRAINHOST_PRECISION_DETERMINISTIC | TRAINHOST_PRECISION_ALLOW_TF32 | TRAINHOST_PRECISION_AUTOCAST | TRAINHOST_PRECISION_LOW_PARAMETERS;

bool is_positive(double value) { return std::isfinite(value) && value > 0; }

// Empty when the scaling constants can work.
std::string complaint_about_scale(const trainhost_precision_plan& plan) {
  if (plan.scale_mode == TRAINHOST_SCALE_NONE) return "";
  if (plan.scale_mode != TRAINHOST_SCALE_DEVICE)
    return format("scale_mode is {}, wanted {} or {}", plan.scale_mode, TRAINHOST_SCALE_NONE, TRAINHOST_SCALE_DEVICE);
  if (plan.growth_interval == 0) return "growth_interval is 0, wanted at least 1 window";
  if (!is_positive(plan.min_scale) || !is_positive(plan.max_scale) || plan.min_scale > plan.max_scale)
    return format("min_scale {} and max_scale {} are no range of positive numbers", plan.min_scale, plan.max_scale);
  if (!(plan.initial_scale >= plan.min_scale && plan.initial_scale <= plan.max_scale))
    return format("initial_scale {} lies outside of {} to {}", plan.initial_scale, plan.min_scale, plan.max_scale);
  if (!(std::isfinite(plan.growth_factor) && plan.growth_factor >= 1)) return format("growth_factor is {}, wanted at least 1", plan.growth_factor);
  if (!(plan.backoff_factor > 0 && plan.backoff_factor < 1)) return format("backoff_factor is {}, wanted between 0 and 1", plan.backoff_factor);
  return "";
}

std::string complaint_about(const trainhost_precision_plan& plan) {
  const std::pair<const char*, trainhost_dtype> formats[] = {
      {"compute", plan.compute}, {"parameter", plan.parameter}, {"master", plan.master}, {"gradient", plan.gradient}};
  for (const auto& [name, dtype] : formats)
    if (!is_floating(dtype)) return format("the format of {} is {}, wanted a floating-point one", name, dtype_text(dtype));
  if ((plan.flags & ~kKnownFlags) != 0)
    return format("flags are {}, of which this host does not know {}; update trainhost", plan.flags, plan.flags & ~kKnownFlags);
  return complaint_about_scale(plan);
}

}  // namespace

PrecisionPolicy::PrecisionPolicy(Instance& instance) : instance_(instance), table_(instance.table<trainhost_precision_policy>(TRAINHOST_PRECISION_POLICY)) {
  instance_.require(TRAINHOST_PRECISION_POLICY, {{"plan", table_.plan}});
  if (!instance_.interface(TRAINHOST_PRECISION_LAYERS)) return;
  layers_ = instance_.table<trainhost_precision_layers>(TRAINHOST_PRECISION_LAYERS);
  instance_.require(TRAINHOST_PRECISION_LAYERS, {{"format_of", layers_.format_of}});
}

trainhost_precision_plan PrecisionPolicy::default_plan() {
  trainhost_precision_plan plan{};
  plan.struct_size = sizeof plan;
  plan.compute = plan.parameter = plan.master = plan.gradient = kFloat32;
  plan.scale_mode = TRAINHOST_SCALE_NONE;
  plan.growth_interval = 2000;
  plan.initial_scale = 65536;
  plan.growth_factor = 2;
  plan.backoff_factor = 0.5;
  plan.min_scale = 1.0 / 65536;
  plan.max_scale = 0x1p40;
  return plan;
}

trainhost_precision_plan PrecisionPolicy::plan(const trainhost_device_facts& device) const {
  Guarded<trainhost_precision_plan> answer(default_plan());
  const Guarded<trainhost_device_facts> facts(device);
  instance_.call("plan", [&](trainhost_error* error) { return table_.plan(instance_.handle(), &facts.value, &answer.value, error); });
  if (!answer.is_intact()) throw instance_.broken_promise("plan", "wrote beyond its plan");
  if (const std::string complaint = complaint_about(answer.value); !complaint.empty()) throw instance_.broken_promise("plan", complaint);
  return answer.value;
}

trainhost_dtype PrecisionPolicy::format_of(std::string_view layer, int32_t role, trainhost_dtype planned) const {
  if (!has_layers()) return planned;
  trainhost_dtype answer = planned;
  instance_.call("format_of", [&](trainhost_error* error) { return layers_.format_of(instance_.handle(), borrow(layer), role, &answer, error); });
  if (!is_floating(answer))
    throw instance_.broken_promise("format_of", format("the format of {} is {}, wanted a floating-point one", layer, dtype_text(answer)));
  return answer;
}

}  // namespace trainhost
