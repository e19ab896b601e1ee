// More of what kill_test.cpp does: at any two system calls, drawn with another seed.
#include <boost/test/unit_test.hpp>

#include "kills.h"

BOOST_AUTO_TEST_SUITE(kill_nightly_test)

BOOST_AUTO_TEST_CASE(killed_again_while_it_recovers) { crash::kill_pairs(2, 4000); }

BOOST_AUTO_TEST_SUITE_END()
