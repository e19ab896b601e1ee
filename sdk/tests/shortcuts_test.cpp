// The shortcuts for plugins in C: values out of the config, words of failures, the instance.
#include <trainhost/c/shortcuts.h>

#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>

namespace {

// Ends without a NUL, as text of the host does.
struct Config {
  std::string storage;
  explicit Config(std::string_view text) : storage(std::string(text) + "123") {}
  trainhost_string c() const { return {storage.data(), storage.size() - 3}; }
};

double number(std::string_view config, double fallback = -1) { return trainhost_config_number(Config(config).c(), "key", fallback); }

std::string text(std::string_view config, std::size_t capacity = 64) {
  std::string out(capacity, '?');
  return trainhost_config_text(Config(config).c(), "key", out.data(), capacity) ? std::string(out.c_str()) : "refused";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shortcuts_test)

BOOST_AUTO_TEST_CASE(numbers_and_truth_are_read_and_what_is_absent_has_its_fallback) {
  BOOST_TEST(number(R"({"key":5})") == 5);
  BOOST_TEST(number(R"({ "other": 1, "key" : -2.5e1 })") == -25);
  BOOST_TEST(number(R"({"key":9007199254740992})") == 9007199254740992.0);
  BOOST_TEST(number(R"({"key":true})") == 1);
  BOOST_TEST(number(R"({"key":false})", 7) == 0);
  BOOST_TEST(number("{}", 7) == 7);
  BOOST_TEST(number(R"({"keys":5,"ke":6})", 7) == 7);
  BOOST_TEST(trainhost_config_number({nullptr, 0}, "key", 7) == 7);
}

BOOST_AUTO_TEST_CASE(a_key_within_a_text_is_none) {
  BOOST_TEST(number(R"({"a":"\"key\":5","key":6})") == 6);
  BOOST_TEST(number(R"({"a":"key","b":5})", 7) == 7);
}

BOOST_AUTO_TEST_CASE(a_number_ends_with_the_config) { BOOST_TEST(number(R"("key":4)") == 4); }

BOOST_AUTO_TEST_CASE(texts_are_copied_or_refused_whole) {
  BOOST_TEST(text(R"({"key":"a b"})") == "a b");
  BOOST_TEST(text(R"({"key": ""})") == "");
  BOOST_TEST(text("{}") == "");
  BOOST_TEST(text(R"({"key":"abc"})", 4) == "abc");
  BOOST_TEST(text(R"({"key":"abcd"})", 4) == "refused");
  BOOST_TEST(text(R"({"key":"a\\b"})") == "refused");
}

BOOST_AUTO_TEST_CASE(words_of_a_failure_stay_inside_of_their_buffer) {
  trainhost_error error{sizeof error, 0, {}};
  BOOST_TEST(trainhost_fail(&error, TRAINHOST_DATA_LOSS, "%d of %s", 3, "four") == TRAINHOST_DATA_LOSS);
  BOOST_TEST(std::string_view(error.message, error.message_length) == "3 of four");
  trainhost_fail(&error, TRAINHOST_INTERNAL, "%s", std::string(600, 'x').c_str());
  BOOST_TEST(error.message_length == sizeof error.message - 1);
  BOOST_TEST(trainhost_fail(nullptr, TRAINHOST_ABORTED, "nobody wants the words") == TRAINHOST_ABORTED);
}

BOOST_AUTO_TEST_CASE(an_instance_is_zeroed_and_knows_itself) {
  struct Mine {
    trainhost_instance base;
    int counter;
  };
  auto* mine = static_cast<Mine*>(trainhost_new_instance(sizeof(Mine), nullptr));
  BOOST_TEST(mine->counter == 0);
  BOOST_TEST(mine->base.impl == mine);
  BOOST_TEST(mine->base.struct_size == sizeof(trainhost_instance));
  mine->base.destroy(&mine->base);
}

BOOST_AUTO_TEST_SUITE_END()
