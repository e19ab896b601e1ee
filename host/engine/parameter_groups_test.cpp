// Parameter groups out of tags and patterns.
#include "engine/parameter_groups.h"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <ATen/ops/empty.h>

#include "base/error.h"

using namespace trainhost;

namespace {

std::vector<t2::Parameter> some_parameters() {
  const auto tensor = [](int64_t count) { return at::empty({count}, at::kFloat); };
  return {{"wte.weight", tensor(10), {}, true, t2::kDecay | t2::kEmbedding}, {"h.0.attn.weight", tensor(20), {}, true, t2::kDecay},
          {"h.0.ln.weight", tensor(3), {}, true, t2::kNorm}, {"h.0.attn.bias", tensor(4), {}, true, t2::kBias}, {"frozen", tensor(5), {}, false, t2::kDecay}};
}

struct Glob {
  const char *pattern, *name;
  bool is_match;
};
std::ostream& operator<<(std::ostream& out, const Glob& glob) { return out << glob.pattern << " on " << glob.name; }
const Glob kGlobs[] = {{"*", "", true},         {"*", "a.b", true},      {"a*c", "abbc", true},  {"a*c", "abcd", false}, {"h.?.w", "h.1.w", true},
                       {"h.?.w", "h.12.w", false}, {"*.bias", "x.bias", true}, {"", "a", false}, {"a*b*c", "a1b2b3c", true}, {"abc", "abcd", false}};

}  // namespace

BOOST_AUTO_TEST_SUITE(parameter_groups_test)

BOOST_DATA_TEST_CASE(a_glob_covers_the_whole_name, boost::unit_test::data::make(kGlobs)) { BOOST_TEST(matches_glob(sample.pattern, sample.name) == sample.is_match); }

BOOST_AUTO_TEST_CASE(norms_and_biases_do_not_decay) {
  auto parameters = some_parameters();
  const ParameterGroups groups = form_groups(parameters, {}, 0.1);
  BOOST_TEST(describe(groups) == (std::vector<std::string>{"decay: 2 tensors, 30 parameters, weight decay 0.1", "no decay: 2 tensors, 7 parameters, weight decay 0"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_first_pattern_that_matches_decides) {
  auto parameters = some_parameters();
  const ParameterGroups groups = form_groups(parameters, {{"embeddings", "wte.*", 0.5, 0.0}, {"attention", "*attn*", 2.0, {}}}, 0.1);
  BOOST_TEST(describe(groups) == (std::vector<std::string>{"embeddings: 1 tensors, 10 parameters, weight decay 0, rate x0.5",
                                                           "attention: 1 tensors, 20 parameters, weight decay 0.1, rate x2", "no decay: 1 tensors, 3 parameters, weight decay 0",
                                                           "attention: 1 tensors, 4 parameters, weight decay 0, rate x2"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_pattern_that_matches_nothing_is_an_error_that_names_it) {
  auto parameters = some_parameters();
  BOOST_CHECK_EXCEPTION(form_groups(parameters, {{"typo", "wtf.*", 1.0, {}}}, 0.1), Error, [](const Error& e) {
    return e.code() == ExitCode::kConfig && std::string(e.what()).find("optimizer.groups.typo: pattern \"wtf.*\"") == 0;
  });
}

BOOST_AUTO_TEST_SUITE_END()
