// The checkpoint checksum against its published values.
#include "base/crc32c.h"

#include <string>

#include <rapidcheck.h>
#include <boost/test/unit_test.hpp>

namespace trainhost {
BOOST_AUTO_TEST_SUITE(crc32c_test)

namespace {

uint32_t crc_of(std::string_view text) { return crc32c(text.data(), text.size()); }

}  // namespace

BOOST_AUTO_TEST_CASE(published_values_are_met) {
  BOOST_TEST(crc_of("123456789") == 0xe3069283U);              // check value of the CRC catalogue, CRC-32/ISCSI
  BOOST_TEST(crc_of(std::string(32, '\0')) == 0x8a9136aaU);    // RFC 3720, B.4: 32 bytes of zeros
  BOOST_TEST(crc_of(std::string(32, '\xff')) == 0x62a8ab43U);  // the same, 32 bytes of ones
  std::string ascending;
  for (char c = 0; c < 32; ++c) ascending += c;
  BOOST_TEST(crc_of(ascending) == 0x46dd794eU);  // the same, 32 ascending bytes
}

BOOST_AUTO_TEST_CASE(nothing_has_the_checksum_it_came_with) {
  BOOST_TEST(crc32c(nullptr, 0) == 0U);
  BOOST_TEST(crc32c(nullptr, 0, 0xe3069283U) == 0xe3069283U);
}

BOOST_AUTO_TEST_CASE(pieces_give_the_checksum_of_the_whole) {
  BOOST_TEST(rc::check("crc(a + b) = crc(b, crc(a))",
                       [](const std::string& a, const std::string& b) { RC_ASSERT(crc32c(b.data(), b.size(), crc_of(a)) == crc_of(a + b)); }));
}

BOOST_AUTO_TEST_CASE(every_flipped_bit_shows) {
  std::string text(64, 'x');
  const uint32_t whole = crc_of(text);
  for (size_t bit = 0; bit < text.size() * 8; ++bit) {
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << (bit % 8)));
    BOOST_TEST_REQUIRE(crc_of(text) != whole);
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << (bit % 8)));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
