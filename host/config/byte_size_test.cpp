// Sizes of memory: what is read, and what is refused.
#include "config/byte_size.h"

#include <boost/test/unit_test.hpp>

#include "base/error.h"

using namespace trainhost;

BOOST_AUTO_TEST_SUITE(byte_size_test)

BOOST_AUTO_TEST_CASE(numbers_with_units_are_bytes) {
  BOOST_TEST(parse_byte_size("1B", "") == 1u);
  BOOST_TEST(parse_byte_size("2KiB", "") == 2048u);
  BOOST_TEST(parse_byte_size("1.5MiB", "") == 1572864u);
  BOOST_TEST(parse_byte_size("2GiB", "") == 2147483648u);
  BOOST_TEST(parse_byte_size("3TiB", "") == 3298534883328u);
}

BOOST_AUTO_TEST_CASE(others_are_refused_with_their_place) {
  for (const char* text : {"", "2", "GiB", "2GB", "2 GiB", "0GiB", "-1GiB", "1e3KiB", "nanB", "infB", "0.5B", "9999999TiB", "2GiBs"}) {
    const auto names_it = [&](const Error& error) { return error.code() == ExitCode::kConfig && std::string(error.what()).starts_with("a.toml:3:1: data.memory: \"" + std::string(text) + "\" is no size"); };
    BOOST_CHECK_EXCEPTION(parse_byte_size(text, "a.toml:3:1: data.memory"), Error, names_it);
  }
}

BOOST_AUTO_TEST_SUITE_END()
