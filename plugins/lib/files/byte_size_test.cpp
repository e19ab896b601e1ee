// Sizes as users write them.
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <trainhost/testing.hpp>

#include "files/byte_size.h"

using trainhost::parse_byte_size;

BOOST_AUTO_TEST_SUITE(byte_size_test)

BOOST_AUTO_TEST_CASE(units_are_powers_of_1000_or_1024) {
  BOOST_TEST(parse_byte_size("0", "a") == 0u);
  BOOST_TEST(parse_byte_size("17B", "a") == 17u);
  BOOST_TEST(parse_byte_size("10GB", "a") == 10'000'000'000u);
  BOOST_TEST(parse_byte_size("3MiB", "a") == 3u << 20);
  BOOST_TEST(parse_byte_size("9TB", "a") == 9'000'000'000'000u);
}

BOOST_DATA_TEST_CASE(anything_else_is_refused, boost::unit_test::data::make({"", "GB", "10", "10 GB", "10gb", "-1GB", "1.5GB", "10GBs", "99999999999999999999GB", "9999999999TB"}), text) {
  const std::string words = trainhost::testing::words_of([&] { parse_byte_size(text, "tarshards.cache_limit"); });
  BOOST_TEST(words.find("tarshards.cache_limit") != std::string::npos, words);
  BOOST_TEST(words.find(std::string("\"") + text + "\"") != std::string::npos, words);
}

BOOST_AUTO_TEST_CASE(people_get_three_digits) {
  BOOST_TEST(trainhost::byte_size_text(999) == "999 B");
  BOOST_TEST(trainhost::byte_size_text(1'610'612'736) == "1.61 GB");
  BOOST_TEST(trainhost::byte_size_text(5'000'000'000'000) == "5 TB");
}

BOOST_AUTO_TEST_SUITE_END()
