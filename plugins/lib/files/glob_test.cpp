// Patterns, as a table.
#include "files/glob.h"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <ostream>

#include <trainhost/testing.hpp>

#include "files/braces.h"

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
    {"x-{08..11}.tar", "x-09.tar", true},
    {"x-{08..11}.tar", "x-11.tar", true},
    {"x-{08..11}.tar", "x-9.tar", false},
    {"x-{08..11}.tar", "x-12.tar", false},
    {"x-{8..11}.tar", "x-9.tar", true},
    {"{a,b-{1..2}}", "b-2", true},
};

}  // namespace

BOOST_AUTO_TEST_SUITE(glob_test)

BOOST_DATA_TEST_CASE(pattern_matches_as_the_table_says, boost::unit_test::data::make(kCases)) {
  BOOST_TEST(Glob(sample.pattern).matches(sample.path) == sample.matches);
}

BOOST_AUTO_TEST_CASE(malformed_patterns_are_refused) {
  for (const char* pattern : {"", "{a,b", "a}", "[ab]", "{1..x}", "{3..1}", "{..}", "{0..1000000}", "{0..999}{0..999}{0..999}", "{0..99999999999999999999}"}) BOOST_TEST(testing::status_of([&] { Glob glob(pattern); }) == TRAINHOST_INVALID_ARGUMENT);
}

BOOST_AUTO_TEST_CASE(braces_come_out_in_the_order_of_writing) {
  const auto names = expand_braces("{b,a}-{9..10}/{00..01}");
  const std::vector<std::string> expected{"b-9/00", "b-9/01", "b-10/00", "b-10/01", "a-9/00", "a-9/01", "a-10/00", "a-10/01"};
  BOOST_TEST(names == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_brace_with_one_name_is_that_name) { BOOST_TEST(expand_braces("a{b}c") == std::vector<std::string>{"abc"}, boost::test_tools::per_element()); }

BOOST_AUTO_TEST_SUITE_END()
