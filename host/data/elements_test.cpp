// Padding and class checks, against the plainest possible way to say the same.
#include "data/elements.h"

#include <rapidcheck.h>
#include <boost/test/unit_test.hpp>

#include <cstring>
#include <limits>

using namespace trainhost;

BOOST_AUTO_TEST_SUITE(elements_test)

namespace {

constexpr trainhost_dtype kUInt8{TRAINHOST_DTYPE_UINT, 8, 1}, kInt32{TRAINHOST_DTYPE_INT, 32, 1}, kUInt64{TRAINHOST_DTYPE_UINT, 64, 1};
constexpr trainhost_dtype kFloat32{TRAINHOST_DTYPE_FLOAT, 32, 1}, kFloat16{TRAINHOST_DTYPE_FLOAT, 16, 1}, kFloat4{TRAINHOST_DTYPE_FLOAT, 4, 1};

template <class T>
std::optional<Stray> stray_in(trainhost_dtype dtype, const std::vector<T>& values, int64_t num_classes, double pad_value) {
  return find_stray(dtype, reinterpret_cast<const std::byte*>(values.data()), values.size(), num_classes, {&pad_value, 1});
}

}  // namespace

BOOST_AUTO_TEST_CASE(padding_keeps_each_element_at_its_index_and_fills_the_rest) {
  BOOST_TEST(rc::check("padding", [] {
    const auto ndim = *rc::gen::inRange<size_t>(1, 4);
    const auto from_shape = *rc::gen::container<std::vector<int64_t>>(ndim, rc::gen::inRange<int64_t>(0, 5));
    auto to_shape = from_shape;
    for (int64_t& length : to_shape) length += *rc::gen::inRange<int64_t>(0, 3);
    std::vector<int32_t> from(num_elements(from_shape)), to(num_elements(to_shape), 12345);
    for (size_t i = 0; i < from.size(); ++i) from[i] = static_cast<int32_t>(i);
    const auto pad = encode_element(kInt32, -7);
    copy_padded(reinterpret_cast<const std::byte*>(from.data()), from_shape, reinterpret_cast<std::byte*>(to.data()), to_shape, {pad->data(), 4});
    for (size_t flat = 0; flat < to.size(); ++flat) {
      size_t rest = flat, from_flat = 0, from_stride = 1;
      bool is_inside = true;
      for (size_t axis = ndim; axis-- > 0;) {
        const size_t index = rest % static_cast<size_t>(to_shape[axis]);
        rest /= static_cast<size_t>(to_shape[axis]);
        is_inside = is_inside && index < static_cast<size_t>(from_shape[axis]);
        from_flat += index * from_stride;
        from_stride *= static_cast<size_t>(from_shape[axis]);
      }
      RC_ASSERT(to[flat] == (is_inside ? static_cast<int32_t>(from_flat) : -7));
    }
  }));
}

BOOST_AUTO_TEST_CASE(values_that_a_format_cannot_hold_are_refused) {
  BOOST_TEST(encode_element(kUInt8, 255).has_value());
  BOOST_TEST(!encode_element(kUInt8, 256).has_value());
  BOOST_TEST(!encode_element(kUInt8, -1).has_value());
  BOOST_TEST(!encode_element(kInt32, 0.5).has_value());
  BOOST_TEST(!encode_element(kUInt64, 0x1p64).has_value());
  BOOST_TEST(!encode_element(kInt32, std::numeric_limits<double>::quiet_NaN()).has_value());
  BOOST_TEST(encode_element(kFloat32, -0.25).has_value());
  BOOST_TEST(encode_element(kFloat16, 0).has_value());
  BOOST_TEST(!encode_element(kFloat16, 1).has_value());
}

BOOST_AUTO_TEST_CASE(formats_of_less_than_a_byte_have_no_size) {
  BOOST_TEST(element_bytes(kFloat4) == 0u);
  BOOST_TEST(element_bytes(kInt32) == 4u);
}

BOOST_AUTO_TEST_CASE(the_first_stray_is_found) {
  const auto stray = stray_in<int32_t>(kInt32, {0, 9, -100, -1, 10}, 10, -100);
  BOOST_REQUIRE(stray.has_value());
  BOOST_TEST(stray->index == 3u);
  BOOST_TEST(stray->value == -1);
  BOOST_TEST(stray_in<int32_t>(kInt32, {0, 9, 10}, 10, -100)->value == 10);
  BOOST_TEST(!stray_in<int32_t>(kInt32, {0, 9, -100}, 10, -100).has_value());
  BOOST_TEST(!stray_in<int32_t>(kInt32, {-5}, 0, 0).has_value());  // not checked
  BOOST_TEST(!stray_in<uint8_t>(kUInt8, {255}, 256, -1).has_value());
  BOOST_TEST(stray_in<uint8_t>(kUInt8, {255}, 255, -1)->value == 255);
}

BOOST_AUTO_TEST_SUITE_END()
