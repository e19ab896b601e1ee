// format prints what std::format would, and makes mistakes visible.
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <limits>
#include <trainhost/cpp/json_text.hpp>
#include <trainhost/format.hpp>

using trainhost::format;

BOOST_AUTO_TEST_SUITE(format_test)

BOOST_AUTO_TEST_CASE(values_of_all_sorts) {
  const std::string owned = "owned";
  enum Color { kRed = 3 };
  BOOST_TEST(format("{} {} {} {} {}", 1, -2L, 18446744073709551615ull, true, 'c') == "1 -2 18446744073709551615 true c");
  BOOST_TEST(format("{} {} {} {}", owned, "literal", std::string_view("view"), std::filesystem::path("/a/b")) == "owned literal view /a/b");
  BOOST_TEST(format("{} {}", kRed, static_cast<const char*>(nullptr)) == "3 (null)");
}

BOOST_AUTO_TEST_CASE(doubles_are_shortest_without_a_spec) {
  BOOST_TEST(format("{} {} {} {} {}", 0.1, 1.0, 1e300, 0.1f, -0.0) == "0.1 1 1e+300 0.1 -0");
  BOOST_TEST(format("{} {}", std::numeric_limits<double>::quiet_NaN(), -std::numeric_limits<double>::infinity()) == "nan -inf");
}

BOOST_AUTO_TEST_CASE(specs) {
  BOOST_TEST(format("{:.4g} {:.2f} {:.1e} {:g}", 3.14159, 2.0, 12345.0, 0.5) == "3.142 2.00 1.2e+04 0.5");
  BOOST_TEST(format("[{:>8}] [{:<8}] [{:^8}] [{:*>4}] [{:ä<3}]", "right", "left", "mid", 7, "x") == "[   right] [left    ] [  mid   ] [***7] [xää]");
  BOOST_TEST(format("{:02} {:05} {:06.2f} {:+} {:x}", 7, -42, 3.14159, 5, 255) == "07 -0042 003.14 +5 ff");
  BOOST_TEST(format("[{:6}] [{:6}] [{:.2}]", "a", 1, "abc") == "[a     ] [     1] [ab]");
  BOOST_TEST(format("[{:>4}]", "ü") == "[   ü]");  // letters are counted, not bytes
  BOOST_TEST(format("{:.1f} {:.0f}", 7, 1u) == "7.0 1");
}

BOOST_AUTO_TEST_CASE(braces) { BOOST_TEST(format("{{}} {{{}}} }}", 1) == "{} {1} }"); }

BOOST_AUTO_TEST_CASE(mistakes_are_visible_and_harmless) {
  BOOST_TEST(format("{} {}", 1) == "1 {missing}");
  BOOST_TEST(format("{}", 1, 2, 3) == "1 {2 unused}");
  BOOST_TEST(format("{:q} {0} {:.}", 1, 2, 3) == "{?:q} {?0} {?:.}");
  BOOST_TEST(format("{", 1) == "{ {1 unused}");
  BOOST_TEST(format("{:999999999999} }", 1) == "{?:999999999999} }");
}

// The same digits when the compiler prints a default.
constexpr auto kPrinted = [] {
  trainhost::detail::JsonText out;
  for (const double value :
       {0.0, 1.0, -2.5, 0.1, 0.95, 0.999, 1e-8, 3e-4, 65536.0, 1e15, 1e16, 1e30, 123456789.125, 0.001, 1e-5, 2.2e-20, 100.0, 0.30000000000001})
    out.real(value).raw(" ");
  return out;
}();

BOOST_AUTO_TEST_CASE(defaults_are_printed_by_the_compiler) {
  BOOST_TEST(std::string_view(kPrinted.bytes.data(), kPrinted.size) ==
             "0 1 -2.5 0.1 0.95 0.999 1e-8 0.0003 65536 1e15 1e16 1e30 123456789.125 0.001 1e-5 22e-21 100 0.30000000000001 ");
}

BOOST_AUTO_TEST_SUITE_END()
