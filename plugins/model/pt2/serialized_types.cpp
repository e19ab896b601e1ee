#include "serialized_types.h"

#include <array>
#include <limits>

#include "errors.h"

namespace pt2 {
namespace {

struct Type {
  int number;
  at::ScalarType type;
};
constexpr std::array<Type, 18> kTypes = {{{1, at::kByte}, {2, at::kChar}, {3, at::kShort}, {4, at::kInt}, {5, at::kLong}, {6, at::kHalf}, {7, at::kFloat},
                                          {8, at::kDouble}, {9, at::kComplexHalf}, {10, at::kComplexFloat}, {11, at::kComplexDouble}, {12, at::kBool},
                                          {13, at::kBFloat16}, {28, at::kUInt16}, {29, at::kFloat8_e4m3fn}, {30, at::kFloat8_e5m2},
                                          {31, at::kFloat8_e4m3fnuz}, {32, at::kFloat8_e5m2fnuz}}};

}  // namespace

Tagged tagged(const Json& value) {
  if (!value.is_object() || value.size() != 1) throw refuse(trainhost::format("the program holds {} where one tagged value is wanted", value.dump().substr(0, 80)));
  const auto only = value.begin();
  return {only.key(), only.value()};
}

at::ScalarType scalar_type_of(const Json& value) {
  const int number = value.get<int>();
  for (const Type& one : kTypes)
    if (one.number == number) return one.type;
  throw refuse(trainhost::format("the program has a number format {} that this version does not know; update trainhost", number));
}

at::MemoryFormat memory_format_of(const Json& value) {
  constexpr std::array<at::MemoryFormat, 5> kFormats = {at::MemoryFormat::Contiguous, at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast,
                                                        at::MemoryFormat::ChannelsLast3d, at::MemoryFormat::Preserve};
  const auto number = value.get<size_t>();
  if (number == 0 || number >= kFormats.size()) throw refuse(trainhost::format("the program has a memory format {} that this version does not know; update trainhost", number));
  return kFormats[number];
}

at::Layout layout_of(const Json& value) {
  constexpr int kStrided = 7;
  if (value.get<int>() != kStrided) throw refuse(trainhost::format("the program uses a sparse layout ({}); only strided tensors can be trained", value.get<int>()));
  return at::kStrided;
}

double real_of(const Json& value) {
  if (!value.is_string()) return value.get<double>();
  const auto text = value.get<std::string>();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  throw refuse(trainhost::format("the program holds \"{}\" where a number is wanted", text));
}

}  // namespace pt2
