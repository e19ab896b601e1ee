// "Did you mean": which mistakes are taken for typing errors.
#include "base/nearest.h"

#include <vector>

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

namespace trainhost {
BOOST_AUTO_TEST_SUITE(nearest_test)

namespace {

const std::vector<std::string> kNames{"accum", "amp", "adamw", "cosine", "textfiles", "micro_batches", "micro_batch_samples", "learning_rate"};

struct Typo {
  const char *word, *meant;  // meant: nullptr = nothing is near
};
std::ostream& operator<<(std::ostream& out, const Typo& typo) { return out << typo.word; }
const Typo kTypos[] = {{"acum", "accum"},
                       {"cosin", "cosine"},
                       {"cosnie", "cosine"},
                       {"learning-rate", "learning_rate"},
                       {"lerning_rate", "learning_rate"},
                       {"micro_batchs", "micro_batches"},
                       {"textfile", "textfiles"},
                       {"amp", "amp"},
                       {"quantise", nullptr},
                       {"", nullptr},
                       {"zz", nullptr}};

}  // namespace

BOOST_DATA_TEST_CASE(typing_errors_find_the_word_that_was_meant, kTypos) {
  const auto match = nearest(sample.word, kNames);
  BOOST_TEST(match.has_value() == (sample.meant != nullptr));
  if (match && sample.meant) BOOST_TEST(*match == sample.meant);
}

BOOST_AUTO_TEST_CASE(of_two_equally_near_words_the_first_is_named) {
  const std::vector<std::string> twins{"beta1", "beta2"};
  BOOST_TEST(nearest("beta3", twins).value() == "beta1");
}

BOOST_AUTO_TEST_CASE(the_question_names_the_nearest_word) { BOOST_TEST(did_you_mean("acum", kNames) == "; did you mean \"accum\"?"); }

BOOST_AUTO_TEST_CASE(without_a_near_word_the_known_ones_are_listed) {
  const std::vector<std::string> two{"auto", "never"};
  BOOST_TEST(did_you_mean("sometimes", two) == "; known: auto, never");
  BOOST_TEST(did_you_mean("sometimes", {}) == "");
  const std::vector<std::string> many(13, "quicksilver");
  BOOST_TEST(did_you_mean("x", many).ends_with("quicksilver, ..."));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
