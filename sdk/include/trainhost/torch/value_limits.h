// Optional beside Model: which whole numbers its fields may hold.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace trainhost::t2 {

// Values lie in [0, num_classes), or equal the field's pad_value where takes_pad_value, or equal a value that the model itself passes over.
struct ValueLimit {
  std::string field;  // under the model's name
  std::int64_t num_classes = 0;
  bool takes_pad_value = false;
  std::optional<double> ignored_value = {};
};

// Interface "trainhost.torch.value_limits/1": a pointer to ValueLimits. What a source declares is checked anyway; this is for sources that do not declare it,
// and for values that the source has and the model has not: an index out of range on a GPU would end the process.
class ValueLimits {
 public:
  static constexpr const char* kInterface = "trainhost.torch.value_limits/1";
  virtual ~ValueLimits() = default;

  // After build; the same answer each time. The host looks at each batch before the device does: forward gets no others in a run.
  virtual std::vector<ValueLimit> value_limits() const = 0;
};

}  // namespace trainhost::t2
