// Each pair of formats gets a loop of its own, so that the compiler makes them fast.
#include "numbers.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include <arrow/array.h>
#include <arrow/util/float16.h>

#include <trainhost/format.hpp>

#include "fields/field_text.h"

namespace trainhost::parquet_source {
namespace {

using Float16 = arrow::util::Float16;

// Calls `use` with a function from positions to values.
template <class Use>
void with_values(const arrow::Array& array, Use&& use) {
  const auto raw = [&]<class Array>(std::type_identity<Array>) { use([values = static_cast<const Array&>(array).raw_values()](int64_t i) { return values[i]; }); };
  switch (array.type_id()) {
    case arrow::Type::BOOL: return use([&flags = static_cast<const arrow::BooleanArray&>(array)](int64_t i) { return static_cast<uint8_t>(flags.Value(i)); });
    case arrow::Type::UINT8: return raw(std::type_identity<arrow::UInt8Array>());
    case arrow::Type::UINT16: return raw(std::type_identity<arrow::UInt16Array>());
    case arrow::Type::UINT32: return raw(std::type_identity<arrow::UInt32Array>());
    case arrow::Type::UINT64: return raw(std::type_identity<arrow::UInt64Array>());
    case arrow::Type::INT8: return raw(std::type_identity<arrow::Int8Array>());
    case arrow::Type::INT16: return raw(std::type_identity<arrow::Int16Array>());
    case arrow::Type::INT32: return raw(std::type_identity<arrow::Int32Array>());
    case arrow::Type::INT64: return raw(std::type_identity<arrow::Int64Array>());
    case arrow::Type::HALF_FLOAT:
      return use([bits = static_cast<const arrow::HalfFloatArray&>(array).raw_values()](int64_t i) { return Float16::FromBits(bits[i]).ToFloat(); });
    case arrow::Type::FLOAT: return raw(std::type_identity<arrow::FloatArray>());
    case arrow::Type::DOUBLE: return raw(std::type_identity<arrow::DoubleArray>());
    default: return;
  }
}

template <class Out, class In>
bool holds(In value) {
  if constexpr (std::is_integral_v<Out> && std::is_integral_v<In>) return std::in_range<Out>(value);
  if constexpr (std::is_same_v<Out, float> && std::is_same_v<In, double>) return !std::isfinite(value) || std::fabs(value) <= std::numeric_limits<float>::max();
  return true;
}

template <class Out, class Get>
std::string convert(const arrow::Array& array, int64_t begin, int64_t count, const Get& get, Out* out) {
  using In = decltype(get(0));
  const bool has_nulls = array.null_count() > 0;
  for (int64_t i = 0; i < count; ++i) {
    if (has_nulls && array.IsNull(begin + i)) continue;
    const In value = get(begin + i);
    if (!holds<Out>(value)) return format("{} does not fit {}", value, std::is_same_v<Out, float> ? "float32" : "int64");
    out[i] = static_cast<Out>(value);
  }
  return "";
}

std::string convert(const arrow::Array& array, int64_t begin, int64_t count, trainhost_dtype dtype, void* out) {
  std::string wrong;
  with_values(array, [&](const auto& get) {
    using In = decltype(get(0));
    if constexpr (std::is_integral_v<In>)
      if (same(dtype, kInt64)) wrong = convert(array, begin, count, get, static_cast<int64_t*>(out));
    if (same(dtype, kBool)) wrong = convert(array, begin, count, get, static_cast<uint8_t*>(out));
    if (same(dtype, kFloat32)) wrong = convert(array, begin, count, get, static_cast<float*>(out));
    if (same(dtype, kFloat64)) wrong = convert(array, begin, count, get, static_cast<double*>(out));
  });
  return wrong;
}

bool is_real(trainhost_dtype dtype) { return dtype.code == TRAINHOST_DTYPE_FLOAT; }

void store(const Number& number, trainhost_dtype dtype, void* place) {
  const uint16_t half = Float16::FromDouble(number.real).bits();
  const auto single = static_cast<float>(number.real);
  if (!is_real(dtype)) std::memcpy(place, &number.whole, dtype.bits / 8u);  // the low bytes come first
  else if (dtype.bits == 16) std::memcpy(place, &half, sizeof half);
  else if (dtype.bits == 32) std::memcpy(place, &single, sizeof single);
  else std::memcpy(place, &number.real, sizeof number.real);
}

template <class T>
std::string stray_among(const T* elements, int64_t count, int64_t num_classes, double pad) {
  for (int64_t i = 0; i < count; ++i) {
    const bool is_class = std::cmp_greater_equal(elements[i], 0) && std::cmp_less(elements[i], num_classes);
    if (!is_class && static_cast<double>(elements[i]) != pad) return format("{} is no class: classes= says 0 to {}", static_cast<int64_t>(elements[i]), num_classes - 1);
  }
  return "";
}

}  // namespace

bool is_convertible(trainhost_dtype from, trainhost_dtype to) {
  if (same(from, to)) return true;
  if (same(to, kInt64)) return !is_real(from);
  return same(to, kFloat32) || same(to, kFloat64);
}

bool fits(const Number& number, trainhost_dtype dtype) {
  if (is_real(dtype)) return true;
  if (dtype.bits >= 64) return dtype.code == TRAINHOST_DTYPE_INT || number.whole >= 0;
  if (dtype.code == TRAINHOST_DTYPE_BOOL) return number.whole == 0 || number.whole == 1;
  const bool is_signed = dtype.code == TRAINHOST_DTYPE_INT;
  const int64_t end = int64_t{1} << (dtype.bits - is_signed);
  return number.whole >= (is_signed ? -end : 0) && number.whole < end;
}

std::string copy_numbers(const arrow::Array& array, int64_t begin, int64_t count, const Conversion& conversion, void* out) {
  if (count == 0) return "";
  const size_t width = conversion.to.bits / 8u;
  if (same(conversion.from, conversion.to) && !same(conversion.from, kBool)) {  // Arrow's truth values are bits
    const auto& values = static_cast<const arrow::PrimitiveArray&>(array);
    std::memcpy(out, values.values()->data() + static_cast<size_t>(array.offset() + begin) * width, static_cast<size_t>(count) * width);
  } else if (std::string wrong = convert(array, begin, count, conversion.to, out); !wrong.empty()) {
    return wrong;
  }
  if (array.null_count() == 0) return "";
  for (int64_t i = 0; i < count; ++i) {
    if (!array.IsNull(begin + i)) continue;
    if (!conversion.missing) return format("element {} is null", i);
    store(*conversion.missing, conversion.to, static_cast<std::byte*>(out) + static_cast<size_t>(i) * width);
  }
  return "";
}

void fill_numbers(const Number& number, trainhost_dtype dtype, int64_t count, void* out) {
  for (int64_t i = 0; i < count; ++i) store(number, dtype, static_cast<std::byte*>(out) + static_cast<size_t>(i) * (dtype.bits / 8u));
}

std::string stray_class(const void* elements, trainhost_dtype dtype, int64_t count, int64_t num_classes, double pad) {
  const bool is_signed = dtype.code == TRAINHOST_DTYPE_INT;
  const auto among = [&]<class T>(std::type_identity<T>) { return stray_among(static_cast<const T*>(elements), count, num_classes, pad); };
  switch (dtype.bits) {
    case 8: return is_signed ? among(std::type_identity<int8_t>()) : among(std::type_identity<uint8_t>());
    case 16: return is_signed ? among(std::type_identity<int16_t>()) : among(std::type_identity<uint16_t>());
    case 32: return is_signed ? among(std::type_identity<int32_t>()) : among(std::type_identity<uint32_t>());
    default: return is_signed ? among(std::type_identity<int64_t>()) : among(std::type_identity<uint64_t>());
  }
}

}  // namespace trainhost::parquet_source
