// Differences of tensors, with numbers worked out by hand.
#include "checkpoint/difference.h"

#include <boost/test/unit_test.hpp>

#include <cmath>

using namespace trainhost;

BOOST_AUTO_TEST_SUITE(difference_test)

namespace {

template <class Value>
TensorView view(const std::string& name, const std::string& dtype, const std::vector<Value>& values) {
  return {name, dtype, {static_cast<int64_t>(values.size())}, reinterpret_cast<const std::byte*>(values.data()), values.size() * sizeof(Value)};
}

template <class Value>
TensorDifference only_difference(const std::string& dtype, const std::vector<Value>& before, const std::vector<Value>& after) {
  const std::vector<TensorView> a{view("t", dtype, before)}, b{view("t", dtype, after)};
  const auto found = tensor_differences(a, b);
  BOOST_TEST_REQUIRE(found.size() == 1u);
  return found.front();
}

}  // namespace

BOOST_AUTO_TEST_CASE(values_are_measured_by_their_norms) {
  const TensorDifference found = only_difference<float>("F32", {0, 5, 12, 0}, {3, 5, 8, 0});  // the difference is 3, 0, -4, 0
  BOOST_TEST((found.kind == TensorDifference::Kind::kChanged));
  BOOST_TEST(found.norm == 5.0);
  BOOST_TEST(found.relative_norm == 5.0 / 13.0);
  BOOST_TEST(found.largest == 4.0);
}

BOOST_AUTO_TEST_CASE(every_kind_of_number_is_understood) {
  BOOST_TEST(only_difference<double>("F64", {1}, {1.5}).norm == 0.5);
  BOOST_TEST(only_difference<uint16_t>("F16", {0x3c00}, {0x4000}).norm == 1.0);   // 1 and 2
  BOOST_TEST(only_difference<uint16_t>("BF16", {0x3f80}, {0xc000}).norm == 3.0);  // 1 and -2
  BOOST_TEST(only_difference<int64_t>("I64", {-3}, {4}).norm == 7.0);
  BOOST_TEST(only_difference<uint8_t>("U8", {255}, {0}).norm == 255.0);
  BOOST_TEST(std::isnan(only_difference<uint8_t>("F8_E4M3", {1}, {2}).norm));
}

BOOST_AUTO_TEST_CASE(from_nothing_to_something_is_infinitely_much) { BOOST_TEST(std::isinf(only_difference<float>("F32", {0}, {1}).relative_norm)); }

BOOST_AUTO_TEST_CASE(tensors_come_go_and_change_their_type) {
  const std::vector<float> one{1, 2}, two{1, 2, 3};
  const std::vector<int32_t> whole{1, 2};
  const std::vector<TensorView> a{view("same", "F32", one), view("gone", "F32", one), view("longer", "F32", one), view("whole", "F32", one)};
  const std::vector<TensorView> b{view("whole", "I32", whole), view("new", "F32", two), view("longer", "F32", two), view("same", "F32", one)};
  const auto found = tensor_differences(a, b);
  std::vector<std::pair<std::string, int>> kinds;
  for (const TensorDifference& difference : found) kinds.emplace_back(difference.name, static_cast<int>(difference.kind));
  using Kind = TensorDifference::Kind;
  const std::vector<std::pair<std::string, int>> wanted{
      {"gone", int(Kind::kRemoved)}, {"longer", int(Kind::kRetyped)}, {"new", int(Kind::kAdded)}, {"whole", int(Kind::kRetyped)}};
  BOOST_TEST((kinds == wanted));
  BOOST_TEST(type_text(*found[1].after) == "F32 [3]");
}

BOOST_AUTO_TEST_SUITE_END()
