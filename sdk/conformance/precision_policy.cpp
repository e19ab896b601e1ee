// Questions for precision policies: the plan.
#include "trainhost/precision_policy.h"

#include <cmath>
#include <cstring>

#include "conformance/facts.h"
#include "conformance/kind_calls.h"
#include "conformance/questions.h"

namespace trainhost::conformance {
namespace {

struct Device {
  std::int32_t type;
  std::uint32_t capability;
};
constexpr Device kDevices[] = {{TRAINHOST_DEVICE_CPU, 0},
                               {TRAINHOST_DEVICE_CPU, TRAINHOST_CPU_BF16},
                               {TRAINHOST_DEVICE_CPU, TRAINHOST_CPU_BF16 | TRAINHOST_CPU_FP16},
                               {TRAINHOST_DEVICE_CUDA, 70},
                               {TRAINHOST_DEVICE_CUDA, 75},
                               {TRAINHOST_DEVICE_CUDA, 80},
                               {TRAINHOST_DEVICE_CUDA, 89},
                               {TRAINHOST_DEVICE_CUDA, 90},
                               {TRAINHOST_DEVICE_CUDA, 100}};
constexpr std::uint32_t kFlags =
    TRAINHOST_PRECISION_DETERMINISTIC | TRAINHOST_PRECISION_ALLOW_TF32 | TRAINHOST_PRECISION_AUTOCAST | TRAINHOST_PRECISION_LOW_PARAMETERS;

std::string name_of(const Device& device) {
  return device.type == TRAINHOST_DEVICE_CPU ? format("a CPU (capability {})", device.capability) : format("CUDA {}", device.capability);
}

Placed<trainhost_device_facts> facts_of(const Device& device) {
  return {{sizeof(trainhost_device_facts), device.type, device.capability, 0, std::uint64_t{16} << 30, c_string("a device of this question")},
          "trainhost_device_facts"};
}

struct Planned {
  Said said;
  trainhost_precision_plan plan;
};

Planned plan_for(const Specimen& plugin, const Device& device) {
  const auto facts = facts_of(device);
  const Placed<trainhost_precision_plan> plan(testing::default_plan(), "trainhost_precision_plan");
  const Said said = ask("plan", plugin.need<trainhost_precision_policy>(TRAINHOST_PRECISION_POLICY).plan, plugin.c(), facts.get(), plan.get());
  require(plan->struct_size <= sizeof(trainhost_precision_plan), "plan has enlarged struct_size");
  return {said, *plan};
}

std::string text_of(const trainhost_dtype& dtype) { return format("code {} with {} bits", dtype.code, dtype.bits); }

std::string text_of(const Planned& planned) {
  if (!planned.said.is_ok()) return text_of(planned.said);
  const trainhost_precision_plan& p = planned.plan;
  return format("flags {}, compute {}, parameter {}, master {}, gradient {}, scale {} {} {} {} {} {} {}", p.flags, text_of(p.compute), text_of(p.parameter),
                text_of(p.master), text_of(p.gradient), p.scale_mode, p.growth_interval, p.initial_scale, p.growth_factor, p.backoff_factor, p.min_scale,
                p.max_scale);
}

struct Format {
  std::string what;
  trainhost_dtype dtype;
};

// What it plans for tensors of single layers, as the host asks after plan; empty where it has no table for that. A refusal has words, and ends the run.
std::vector<Format> layer_formats(const Specimen& plugin, const trainhost_precision_plan& plan) {
  const auto* table = plugin.find<trainhost_precision_layers>(TRAINHOST_PRECISION_LAYERS);
  const std::pair<const char*, trainhost_dtype> roles[] = {
      {"weight", plan.parameter}, {"input", plan.compute}, {"gradient", plan.gradient}, {"saved", plan.compute}};  // in the order of TRAINHOST_ROLE_*
  std::vector<Format> formats;
  for (const char* layer : {"blocks.0.attention.query", "head"})
    for (std::int32_t role = 0; table && role < static_cast<std::int32_t>(std::size(roles)); ++role) {
      const Placed<trainhost_dtype> dtype(roles[role].second, "the format that format_of answers");
      const Said said = ask("format_of", table->format_of, plugin.c(), c_string(layer), role, dtype.get());
      if (said.is_ok()) formats.push_back({format("{} of {}", roles[role].first, layer), *dtype});
    }
  return formats;
}

std::string use_precision_policy(const Specimen& plugin) {
  std::string answers;
  for (const Device& device : kDevices) {
    const Planned planned = plan_for(plugin, device);
    answers += name_of(device) + ": " + text_of(planned) + "\n";
    if (!planned.said.is_ok()) continue;
    for (const Format& layer : layer_formats(plugin, planned.plan)) answers += "  " + layer.what + ": " + text_of(layer.dtype) + "\n";
  }
  return answers;
}

void same_facts_same_plan(const Subject& subject) {
  Specimen first(subject), second(subject);
  const std::string plans = use_precision_policy(first.begin());
  require(use_precision_policy(first) == plans, "asked twice, it plans otherwise");
  require(use_precision_policy(second.begin()) == plans, "another instance of the same settings plans otherwise");
}

void constants_are_ordered(const Subject& subject) {
  Specimen plugin(subject);
  plugin.begin();
  for (const Device& device : kDevices) {
    const auto [said, plan] = plan_for(plugin, device);
    if (!said.is_ok()) continue;
    require((plan.flags & ~kFlags) == 0, "for {}: flags are {}, of which {} means nothing", name_of(device), plan.flags, plan.flags & ~kFlags);
    require(plan.scale_mode == TRAINHOST_SCALE_NONE || plan.scale_mode == TRAINHOST_SCALE_DEVICE, "for {}: scale_mode is {}", name_of(device), plan.scale_mode);
    if (plan.scale_mode == TRAINHOST_SCALE_NONE) continue;
    const double constants[] = {plan.min_scale, plan.initial_scale, plan.max_scale, plan.growth_factor, plan.backoff_factor};
    for (const double constant : constants)
      require(std::isfinite(constant) && constant > 0, "for {}: a constant of the scale is {}", name_of(device), constant);
    require(plan.min_scale <= plan.initial_scale && plan.initial_scale <= plan.max_scale,
            "for {}: wanted min_scale <= initial_scale <= max_scale, got {}, {}, {}", name_of(device), plan.min_scale, plan.initial_scale, plan.max_scale);
    require(plan.growth_factor > 1 && plan.backoff_factor < 1, "for {}: wanted growth_factor > 1 > backoff_factor, got {} and {}", name_of(device),
            plan.growth_factor, plan.backoff_factor);
    require(plan.growth_interval > 0, "for {}: growth_interval is 0", name_of(device));
  }
}

bool is_float8(const trainhost_dtype& dtype) { return dtype.code == TRAINHOST_DTYPE_FLOAT8_E4M3FN || dtype.code == TRAINHOST_DTYPE_FLOAT8_E5M2; }

bool is_known(const trainhost_dtype& dtype) {
  if (dtype.lanes != 1) return false;
  if (is_float8(dtype)) return dtype.bits == 8;
  if (dtype.code == TRAINHOST_DTYPE_BFLOAT) return dtype.bits == 16;
  return dtype.code == TRAINHOST_DTYPE_FLOAT && (dtype.bits == 16 || dtype.bits == 32 || dtype.bits == 64);
}

void device_has_the_formats(const Subject& subject) {
  Specimen plugin(subject);
  plugin.begin();
  for (const Device& device : kDevices) {
    const auto [said, plan] = plan_for(plugin, device);
    if (!said.is_ok()) {
      require(said.status == TRAINHOST_FAILED_PRECONDITION, "for {}: {}; hardware that cannot do it is FAILED_PRECONDITION", name_of(device),
              conformance::text_of(said));
      continue;
    }
    const bool has_float8 = device.type == TRAINHOST_DEVICE_CUDA && device.capability >= 89;  // NVIDIA's tensor cores take them from 8.9 on
    std::vector<Format> formats = {{"compute", plan.compute}, {"parameter", plan.parameter}, {"master", plan.master}, {"gradient", plan.gradient}};
    for (Format& layer : layer_formats(plugin, plan)) formats.push_back(std::move(layer));
    for (const auto& [what, dtype] : formats) {
      require(is_known(dtype), "for {}: the format of {} is {}, which is no floating-point format", name_of(device), what, text_of(dtype));
      require(!is_float8(dtype) || has_float8, "for {}: the format of {} has 8 bits, which this device cannot do; refuse it with FAILED_PRECONDITION",
              name_of(device), what);
    }
  }
}

// A host of a later minor: its plan is longer.
void leaves_later_fields_alone(const Subject& subject) {
  struct Later {
    trainhost_precision_plan plan;
    unsigned char tail[64];
  };
  Specimen plugin(subject);
  plugin.begin();
  for (const Device& device : kDevices) {
    Later later{testing::default_plan(), {}};
    later.plan.struct_size = sizeof later;
    std::memset(later.tail, 0x5a, sizeof later.tail);
    const Placed<Later> placed(later, "trainhost_precision_plan");
    const auto facts = facts_of(device);
    const Said said = ask("plan", plugin.need<trainhost_precision_policy>(TRAINHOST_PRECISION_POLICY).plan, plugin.c(), facts.get(), &placed->plan);
    require(said.status == plan_for(plugin, device).said.status, "a longer plan, as a newer host gives it, is answered with {}", conformance::text_of(said));
    require(std::memcmp(placed->tail, later.tail, sizeof later.tail) == 0 && placed->plan.struct_size <= sizeof later,
            "it writes into fields that it does not know");
  }
}

constexpr FailingCall kPrecisionPolicyFailing[] = {
    {"plan for an unknown device", [](const Specimen& plugin, trainhost_error* error) {
       const auto facts = facts_of({99, 0});
       const Placed<trainhost_precision_plan> plan(testing::default_plan(), "trainhost_precision_plan");
       return plugin.need<trainhost_precision_policy>(TRAINHOST_PRECISION_POLICY).plan(plugin.c(), facts.get(), plan.get(), error);
     }}};

constexpr std::string_view kPrecisionPolicyKind = "precision_policy";
constexpr Question kPrecisionPolicyQuestions[] = {
    {"precision_policy/same_facts_same_plan", "The plan is a function of device and settings", kPrecisionPolicyKind, Scope::kPlugin, answer<same_facts_same_plan>},
    {"precision_policy/constants_are_ordered", "The constants of the loss scale are finite and in order", kPrecisionPolicyKind, Scope::kPlugin, answer<constants_are_ordered>},
    {"precision_policy/device_has_the_formats", "It plans formats that the device has, or refuses with a reason", kPrecisionPolicyKind, Scope::kPlugin,
     answer<device_has_the_formats>},
    {"precision_policy/leaves_later_fields_alone", "A plan of a newer host is longer, and keeps its other fields", kPrecisionPolicyKind, Scope::kPlugin,
     answer<leaves_later_fields_alone>},
};

}  // namespace

const KindCalls kPrecisionPolicyCalls{kPrecisionPolicyKind, use_precision_policy, nullptr, kPrecisionPolicyFailing};
std::span<const Question> precision_policy_questions() { return kPrecisionPolicyQuestions; }

}  // namespace trainhost::conformance
