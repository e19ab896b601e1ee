// Lines about fields: what they mean, and that odd ones are refused with the key and the whole line.
#include "fields/field_text.h"

#include <boost/test/unit_test.hpp>

#include <trainhost/testing.hpp>

using namespace trainhost;
using namespace trainhost::testing;

namespace {

FieldText text(std::string_view line) { return {"t.fields", line, "NAME"}; }

}  // namespace

BOOST_AUTO_TEST_SUITE(field_text_test)

BOOST_AUTO_TEST_CASE(words_are_cut_at_spaces_and_quotes_hold_them_together) {
  FieldText line = text("  a 'b c'  d=1 e='x y' f=");
  BOOST_TEST(line.name() == "a");
  BOOST_TEST(!line.option());
  BOOST_TEST(line.word() == "b c");
  const auto d = line.option(), e = line.option(), f = line.option();
  BOOST_TEST((d && d->key == "d" && d->value == "1"));
  BOOST_TEST((e && e->key == "e" && e->value == "x y"));
  BOOST_TEST((f && f->key == "f" && f->value.empty()));
  BOOST_TEST(line.is_at_end());
  BOOST_TEST(line.word().empty());
}

BOOST_AUTO_TEST_CASE(a_path_with_an_equals_sign_is_no_option) {
  FieldText line = text("x data/step=10/x.npy");
  line.name();
  BOOST_TEST(!line.option());
  BOOST_TEST(line.word() == "data/step=10/x.npy");
}

BOOST_AUTO_TEST_CASE(sizes_are_numbers_in_brackets) {
  BOOST_TEST(text("[3, 32,32]").sizes() == (std::vector<int64_t>{3, 32, 32}), boost::test_tools::per_element());
  BOOST_TEST(text(" [] x").sizes().empty());
  for (const char* line : {"3", "[3", "[0]", "[-1]", "[4294967296, 4294967296, 4294967296]", "[9999999999]", "[a]", "[1,1,1,1,1,1,1,1,1]"})
    BOOST_TEST(status_of([&] { text(line).sizes(); }) == TRAINHOST_INVALID_ARGUMENT, line);
}

BOOST_AUTO_TEST_CASE(options_set_the_field) {
  Field field{"y", TRAINHOST_FIELD_INPUT, kInt64};
  std::string others;
  text("role=target classes=10 pad=-1 length=7").options(field, [&](const FieldText::Option& option) { return others = option.key, option.key == "length"; });
  BOOST_TEST(field.role == +TRAINHOST_FIELD_TARGET);
  BOOST_TEST(field.num_classes == 10);
  BOOST_TEST(field.pad_value == -1);
  BOOST_TEST(others == "length");
}

BOOST_AUTO_TEST_CASE(what_is_not_understood_is_refused_with_the_key_and_the_line) {
  const auto words = [](std::string_view line, trainhost_dtype dtype) {
    Field field{"y", TRAINHOST_FIELD_INPUT, dtype};
    return words_of([&] { text(line).options(field); });
  };
  for (const char* line : {"role=teacher", "classes=0", "classes=x", "pad=", "pad=0.5", "size=3", "word", "role"})
    BOOST_TEST(words(line, kInt64).find(format("t.fields: \"{}\": ", line)) == 0u, line);
  BOOST_TEST(words("classes=3", kFloat32).find("of whole numbers") != std::string::npos);
  BOOST_TEST(words("pad=0.5", kFloat32).empty());
  BOOST_TEST(status_of([] { text("'a").word(); }) == TRAINHOST_INVALID_ARGUMENT);
  for (const char* line : {"", "a\"b", "a\\", "a\n"}) BOOST_TEST(status_of([&] { text(line).name(); }) == TRAINHOST_INVALID_ARGUMENT);
}

BOOST_AUTO_TEST_CASE(formats_have_names) {
  for (const char* name : {"bool", "uint8", "uint16", "int64", "bfloat16", "float64"}) {
    BOOST_REQUIRE(find_dtype(name));
    BOOST_TEST(name_of(*find_dtype(name)) == name);
  }
  BOOST_TEST(!find_dtype("float7"));
}

BOOST_AUTO_TEST_CASE(names_are_there_once) {
  BOOST_TEST(status_of([] { check_names("t.fields", {{"x"}, {"y"}, {"x"}}); }) == TRAINHOST_INVALID_ARGUMENT);
  BOOST_TEST(status_of([] { check_names("t.fields", {}); }) == TRAINHOST_INVALID_ARGUMENT);
  BOOST_TEST(status_of([] { check_names("t.fields", {{"x"}, {"y"}}); }) == TRAINHOST_OK);
}

BOOST_AUTO_TEST_SUITE_END()
