// Pairs tensors by name and measures the differences of their values.
#include "checkpoint/difference.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <map>

#include <trainhost/format.hpp>

namespace trainhost {
namespace {

template <class Value>
Value load(const std::byte* data, uint64_t index) {
  Value value;
  std::memcpy(&value, data + index * sizeof(Value), sizeof value);
  return value;
}

struct Bfloat16 {
  uint16_t bits;
  explicit operator double() const { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }
};

template <class Value>
void measure_as(TensorDifference& difference) {
  const TensorView &before = *difference.before, &after = *difference.after;
  double squares = 0, squares_before = 0, largest = 0;
  for (uint64_t i = 0; i < before.bytes / sizeof(Value); ++i) {
    const auto a = static_cast<double>(load<Value>(before.data, i)), b = static_cast<double>(load<Value>(after.data, i));
    squares += (b - a) * (b - a);
    squares_before += a * a;
    largest = std::fmax(largest, std::fabs(b - a));
  }
  difference.norm = std::sqrt(squares);
  difference.relative_norm = difference.norm / std::sqrt(squares_before);
  difference.largest = largest;
}

using Measure = void (*)(TensorDifference&);

const std::map<std::string, Measure, std::less<>>& measures() {
  static const std::map<std::string, Measure, std::less<>> all{
      {"F64", measure_as<double>},   {"F32", measure_as<float>},    {"F16", measure_as<_Float16>}, {"BF16", measure_as<Bfloat16>},
      {"I64", measure_as<int64_t>},  {"I32", measure_as<int32_t>},  {"I16", measure_as<int16_t>},  {"I8", measure_as<int8_t>},
      {"U64", measure_as<uint64_t>}, {"U32", measure_as<uint32_t>}, {"U16", measure_as<uint16_t>}, {"U8", measure_as<uint8_t>}};
  return all;
}

bool is_same_type(const TensorView& a, const TensorView& b) { return a.dtype == b.dtype && a.shape == b.shape; }
bool is_same_value(const TensorView& a, const TensorView& b) { return a.bytes == b.bytes && (a.bytes == 0 || std::memcmp(a.data, b.data, a.bytes) == 0); }

}  // namespace

std::vector<TensorDifference> tensor_differences(std::span<const TensorView> before, std::span<const TensorView> after) {
  std::map<std::string, TensorDifference> all;
  for (const TensorView& tensor : before) all[tensor.name].before = tensor;
  for (const TensorView& tensor : after) all[tensor.name].after = tensor;
  std::vector<TensorDifference> found;
  for (auto& [name, difference] : all) {
    difference.name = name;
    if (!difference.before) difference.kind = TensorDifference::Kind::kAdded;
    else if (!difference.after) difference.kind = TensorDifference::Kind::kRemoved;
    else if (!is_same_type(*difference.before, *difference.after)) difference.kind = TensorDifference::Kind::kRetyped;
    else if (is_same_value(*difference.before, *difference.after)) continue;
    else if (const auto measure = measures().find(difference.before->dtype); measure != measures().end()) measure->second(difference);
    found.push_back(std::move(difference));
  }
  return found;
}

std::string type_text(const TensorView& tensor) {
  std::string shape;
  for (const int64_t extent : tensor.shape) shape += (shape.empty() ? "" : ", ") + std::to_string(extent);
  return tensor.dtype + " [" + shape + "]";
}

}  // namespace trainhost
