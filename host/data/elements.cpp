// Switches over number formats; everything else is generic.
#include "data/elements.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace trainhost {
namespace {

bool is_integer(trainhost_dtype dtype) { return dtype.code == TRAINHOST_DTYPE_INT || dtype.code == TRAINHOST_DTYPE_UINT; }

template <class T>
std::optional<std::array<std::byte, 8>> encode_as(double value) {
  if constexpr (std::numeric_limits<T>::is_integer) {
    // The upper end is the power of two behind max, which a double holds exactly.
    const double end = std::ldexp(1.0, std::numeric_limits<T>::digits);
    if (!(value >= static_cast<double>(std::numeric_limits<T>::min()) && value < end) || value != std::floor(value)) return std::nullopt;
  }
  const T element = static_cast<T>(value);
  std::array<std::byte, 8> bytes{};
  std::memcpy(bytes.data(), &element, sizeof element);
  return bytes;
}

// Calls `use` with a value of the integer type that the format names.
template <class Use>
auto with_integer(trainhost_dtype dtype, Use use) {
  const bool is_signed = dtype.code == TRAINHOST_DTYPE_INT;
  switch (dtype.bits) {
    case 8: return is_signed ? use(int8_t{}) : use(uint8_t{});
    case 16: return is_signed ? use(int16_t{}) : use(uint16_t{});
    case 32: return is_signed ? use(int32_t{}) : use(uint32_t{});
    default: return is_signed ? use(int64_t{}) : use(uint64_t{});
  }
}

template <class T>
std::optional<Stray> find_stray_as(const std::byte* data, uint64_t count, int64_t num_classes, std::span<const double> others) {
  const auto* values = reinterpret_cast<const T*>(data);
  // Every value that T holds is a class: bytes out of 256 classes, say.
  if (std::numeric_limits<T>::min() == 0 && static_cast<uint64_t>(std::numeric_limits<T>::max()) < static_cast<uint64_t>(num_classes)) return std::nullopt;
  const auto stray = std::find_if(values, values + count, [&](T value) {
    return static_cast<uint64_t>(value) >= static_cast<uint64_t>(num_classes) && std::ranges::find(others, static_cast<double>(value)) == others.end();
  });
  if (stray == values + count) return std::nullopt;
  return Stray{static_cast<uint64_t>(stray - values), static_cast<int64_t>(*stray)};
}

void fill(std::byte* to, uint64_t count, std::span<const std::byte> pad) {
  for (uint64_t i = 0; i < count; ++i) std::memcpy(to + i * pad.size(), pad.data(), pad.size());
}

}  // namespace

size_t element_bytes(trainhost_dtype dtype) {
  const uint32_t bits = uint32_t{dtype.bits} * dtype.lanes;
  return bits % 8 == 0 ? bits / 8 : 0;
}

uint64_t num_elements(std::span<const int64_t> shape) {
  uint64_t elements = 1;
  for (const int64_t length : shape) elements *= static_cast<uint64_t>(length);
  return elements;
}

std::optional<std::array<std::byte, 8>> encode_element(trainhost_dtype dtype, double value) {
  if (is_integer(dtype)) return with_integer(dtype, [&](auto zero) { return encode_as<decltype(zero)>(value); });
  if (dtype.code == TRAINHOST_DTYPE_FLOAT && dtype.bits == 32) return encode_as<float>(value);
  if (dtype.code == TRAINHOST_DTYPE_FLOAT && dtype.bits == 64) return encode_as<double>(value);
  if (dtype.code == TRAINHOST_DTYPE_BOOL && value == 1) return encode_as<uint8_t>(value);
  if (value != 0) return std::nullopt;
  return std::array<std::byte, 8>{};
}

void copy_padded(const std::byte* from, std::span<const int64_t> from_shape, std::byte* to, std::span<const int64_t> to_shape, std::span<const std::byte> pad) {
  const uint64_t to_elements = num_elements(to_shape);
  if (std::equal(from_shape.begin(), from_shape.end(), to_shape.begin())) {
    if (to_elements > 0) std::memcpy(to, from, to_elements * pad.size());
    return;
  }
  const uint64_t from_rows = static_cast<uint64_t>(from_shape[0]), to_rows = static_cast<uint64_t>(to_shape[0]);
  const uint64_t from_row = from_rows ? num_elements(from_shape.subspan(1)) * pad.size() : 0;
  const uint64_t to_row = to_rows ? to_elements / to_rows : 0;
  if (from_shape.size() == 1) {
    if (from_rows > 0) std::memcpy(to, from, from_rows * pad.size());
  } else {
    for (uint64_t row = 0; row < from_rows; ++row) {
      copy_padded(from + row * from_row, from_shape.subspan(1), to + row * to_row * pad.size(), to_shape.subspan(1), pad);
    }
  }
  fill(to + from_rows * to_row * pad.size(), (to_rows - from_rows) * to_row, pad);
}

std::optional<Stray> find_stray(trainhost_dtype dtype, const std::byte* data, uint64_t count, int64_t num_classes, std::span<const double> others) {
  if (num_classes <= 0 || !is_integer(dtype)) return std::nullopt;
  return with_integer(dtype, [&](auto zero) { return find_stray_as<decltype(zero)>(data, count, num_classes, others); });
}

}  // namespace trainhost
