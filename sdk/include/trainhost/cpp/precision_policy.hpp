// Precision policies in C++; what the calls mean: trainhost/precision_policy.h.
#pragma once

#include "trainhost/cpp/field.hpp"
#include "trainhost/cpp/instance.hpp"
#include "trainhost/precision_policy.h"

namespace trainhost::inline sdk {

using PrecisionPlan = trainhost_precision_plan;

// The device of the run. The name ends with the call.
struct DeviceFacts {
  std::int32_t device_type;
  std::uint32_t capability;  // CUDA: 10 * major + minor; CPU: TRAINHOST_CPU_* bits
  std::uint64_t memory_bytes;
  std::string_view name;

  explicit DeviceFacts(const trainhost_device_facts& facts)
      : device_type(facts.device_type), capability(facts.capability), memory_bytes(facts.memory_bytes), name(view(facts.name)) {}
  bool is_cpu() const { return device_type == TRAINHOST_DEVICE_CPU; }
  bool is_cuda() const { return device_type == TRAINHOST_DEVICE_CUDA; }
};

class PrecisionPolicy : public Plugin {
 public:
  static constexpr std::string_view kKind = "precision_policy";

  // Returns the plan for this device; `proposed` is the host's default. Throw FAILED_PRECONDITION for what the hardware cannot do. [main]
  virtual PrecisionPlan plan(const DeviceFacts& device, PrecisionPlan proposed) = 0;

  const void* interface(std::string_view id) override;

 private:
  static trainhost_status c_plan(trainhost_instance* instance, const trainhost_device_facts* facts, trainhost_precision_plan* in_out,
                                 trainhost_error* error) noexcept {
    return detail::guard(error, [&] {
      const PrecisionPlan proposed = detail::read_struct(in_out);
      const DeviceFacts device(detail::read_struct(facts));
      detail::write_struct(in_out, detail::object<PrecisionPolicy>(instance).plan(device, proposed));
    });
  }
  static constexpr trainhost_precision_policy kTable{sizeof(trainhost_precision_policy), 0, &c_plan};
};

// Optional beside PrecisionPolicy: a format of its own for a tensor of a layer.
class PrecisionLayers {
 public:
  virtual ~PrecisionLayers() = default;

  // role: TRAINHOST_ROLE_*; `proposed` is the plan's format for it. [main]
  virtual trainhost_dtype format_of(std::string_view layer, std::int32_t role, trainhost_dtype proposed) = 0;

 private:
  friend class PrecisionPolicy;
  static trainhost_status c_format_of(trainhost_instance* instance, trainhost_string layer, std::int32_t role, trainhost_dtype* in_out,
                                      trainhost_error* error) noexcept {
    return detail::guard(error, [&] { *in_out = detail::beside<PrecisionLayers>(instance).format_of(view(layer), role, *in_out); });
  }
  static constexpr trainhost_precision_layers kTable{sizeof(trainhost_precision_layers), 0, &c_format_of};
};

inline const void* PrecisionPolicy::interface(std::string_view id) {
  if (id == TRAINHOST_PRECISION_POLICY) return &kTable;
  if (id == TRAINHOST_PRECISION_LAYERS && dynamic_cast<PrecisionLayers*>(this)) return &PrecisionLayers::kTable;
  return nullptr;
}

}  // namespace trainhost::inline sdk
