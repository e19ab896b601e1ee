// Numbers out of Arrow's arrays into the number format of a field.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include <arrow/type_fwd.h>

#include <trainhost/cpp/field.hpp>

namespace trainhost::parquet_source {

/// As an integer and as a real one: whichever the format takes.
struct Number {
  int64_t whole = 0;
  double real = 0;
};

/// Whether elements of format `from` can be given as `to`: as they are, whole and real numbers as float32 and float64, whole ones as int64.
bool is_convertible(trainhost_dtype from, trainhost_dtype to);

/// Whether `number` can be held by an element of this format.
bool fits(const Number& number, trainhost_dtype dtype);

/// How elements of an array become elements of a field.
struct Conversion {
  trainhost_dtype from{}, to{};
  std::optional<Number> missing;  // stands for null
};

/// Writes elements begin .. begin + count - 1 of an array of `from`; where the formats are the same this is one copy of bytes. Returns what is wrong with the first element
/// that cannot be given, as words; empty when all are written.
std::string copy_numbers(const arrow::Array& array, int64_t begin, int64_t count, const Conversion& conversion, void* out);

/// `count` times the same number.
void fill_numbers(const Number& number, trainhost_dtype dtype, int64_t count, void* out);

/// The first element that is no class, 0 .. num_classes - 1, and not `pad` either, as words; empty when all are. Whole numbers only.
std::string stray_class(const void* elements, trainhost_dtype dtype, int64_t count, int64_t num_classes, double pad);

}  // namespace trainhost::parquet_source
