// Aligned columns.
#include "base/table.h"

#include <boost/test/unit_test.hpp>

namespace trainhost {

BOOST_AUTO_TEST_SUITE(table_test)

BOOST_AUTO_TEST_CASE(columns_are_as_wide_as_their_widest_cell) {
  BOOST_TEST(align_columns({{"compute", "1.5s"}, {"idle", "12.0s", "x"}}, "lr") == "  compute   1.5s\n  idle     12.0s  x\n");
}

BOOST_AUTO_TEST_CASE(no_line_ends_in_spaces) { BOOST_TEST(align_columns({{"a", ""}, {"long", "b"}}, "ll", 0) == "a\nlong  b\n"); }

BOOST_AUTO_TEST_CASE(width_is_counted_in_characters) {
  BOOST_TEST(text_width("h\xC3\xB6he") == 4U);
  BOOST_TEST(align_columns({{"\xC3\xB6", "1"}, {"xx", "2"}}, "ll", 0) == "\xC3\xB6   1\nxx  2\n");
}

BOOST_AUTO_TEST_CASE(clipping_never_cuts_a_character) {
  BOOST_TEST(clip_text("h\xC3\xB6he", 2) == "h\xC3\xB6");
  BOOST_TEST(clip_text("abc", 3) == "abc");
  BOOST_TEST(clip_text("abc", 0) == "");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
