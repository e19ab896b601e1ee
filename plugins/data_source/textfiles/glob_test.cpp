// Patterns, as a table.
#include "glob.h"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <ostream>

#include <trainhost/testing.hpp>

using namespace trainhost;

namespace {

struct Case {
  const char *pattern, *path;
  bool matches;
  friend std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.pattern << " on " << c.path; }
};

const Case kCases[] = {
    {"**/*.h", "a.h", true},
    {"**/*.h", "x/y/a.h", true},
    {"**/*.h", "a.hpp", false},
    {"*.h", "x/a.h", false},
    {"ATen/ops/**", "ATen/ops/a.h", true},
    {"ATen/ops/**", "ATen/ops/x/a.h", true},
    {"ATen/ops/**", "ATen/ops", false},
    {"ATen/ops/**", "ATen/opsy/a.h", false},
    {"**/gen/**", "gen/a", true},
    {"**/gen/**", "x/gen/y/a", true},
    {"**/gen/**", "x/agen/a", false},
    {"x?z", "xyz", true},
    {"x?z", "x/z", false},
    {"a/**/b", "a/b", true},
    {"a/**/b", "a/x/y/b", true},
    {"*", "", true},
    {"**/*.{h,hpp}", "x/a.hpp", true},
    {"**/*.{h,hpp}", "x/a.cpp", false},
    {"{a,b{c,d}}/x", "bd/x", true},
    {"{a,b{c,d}}/x", "b/x", false},
    {"a{,b}", "a", true},
    {"a*b*c", "aXbYc", true},
    {"a*b*c", "aXcYb", false},
    {"a.b", "axb", false},
};

}  // namespace

BOOST_AUTO_TEST_SUITE(glob_test)

BOOST_DATA_TEST_CASE(pattern_matches_as_the_table_says, boost::unit_test::data::make(kCases)) {
  BOOST_TEST(Glob(sample.pattern).matches(sample.path) == sample.matches);
}

BOOST_AUTO_TEST_CASE(malformed_patterns_are_refused) {
  for (const char* pattern : {"", "{a,b", "a}", "[ab]"}) BOOST_TEST(testing::status_of([&] { Glob glob(pattern); }) == TRAINHOST_INVALID_ARGUMENT);
}

BOOST_AUTO_TEST_SUITE_END()
