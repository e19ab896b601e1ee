// Content hashes against the published value of XXH3.
#include "base/hash.h"

#include <boost/test/unit_test.hpp>

namespace trainhost {

BOOST_AUTO_TEST_SUITE(hash_test)

BOOST_AUTO_TEST_CASE(the_hash_of_nothing_is_the_published_one) { BOOST_TEST(content_hash("") == "99aa06d3014798d86001c324468d497f"); }  // XXH3_128bits, seed 0

BOOST_AUTO_TEST_CASE(different_bytes_have_different_hashes_of_32_digits) {
  BOOST_TEST(content_hash("a") != content_hash("b"));
  BOOST_TEST(content_hash("a") == content_hash("a"));
  BOOST_TEST(content_hash("a").size() == 32U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
