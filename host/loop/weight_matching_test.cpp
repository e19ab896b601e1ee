// Which tensors of a file become weights, and what is said where they do not fit.
#include <boost/test/unit_test.hpp>

#include <array>

#include "base/error.h"
#include "loop/weight_matching.h"

using namespace trainhost;

BOOST_AUTO_TEST_SUITE(weight_matching_test)

namespace {

constexpr std::array<float, 64> kValues{1, 2, 3, 4, 5, 6};
constexpr std::array<float, 64> kOtherValues{6, 5, 4, 3, 2, 1};

TensorView tensor(const char* name, std::vector<int64_t> shape, const char* dtype = "F32", const std::array<float, 64>& values = kValues) {
  uint64_t bytes = dtype == std::string("I64") ? 8 : 4;
  for (const int64_t axis : shape) bytes *= static_cast<uint64_t>(axis);
  return {name, dtype, std::move(shape), reinterpret_cast<const std::byte*>(values.data()), bytes};
}

const std::vector<TensorView> kOwn{tensor("net.wte", {5, 2}), tensor("net.wide", {6, 2}), tensor("net.square", {2, 2}), tensor("net.norm", {2}), tensor("net.count", {}, "I64")};

std::vector<Naming> namings() {
  Naming own{"its own names", {}};
  for (const TensorView& one : kOwn) own.names.push_back({one.name, one.name, false});
  const Naming foreign{"Hugging Face's names",
                       {{"net.wte", "net.wte", false}, {"net.wide", "net.wide", true}, {"net.square", "net.square", true}, {"net.norm", "net.norm", false}, {"net.wte", "head", false}}};
  Naming bare{"Hugging Face's names without \"net.\"", {}};
  for (const Naming::Name& name : foreign.names) bare.names.push_back({name.own, name.foreign.starts_with("net.") ? name.foreign.substr(4) : name.foreign, name.is_transposed});
  return {own, foreign, bare};
}

WeightMatch match(const std::vector<TensorView>& found) { return match_weights(kOwn, found, namings(), "x.safetensors"); }

auto says(std::vector<std::string> all) {
  return [all](const Error& error) {
    BOOST_TEST_MESSAGE(error.what());
    return error.code() == ExitCode::kConfig && std::all_of(all.begin(), all.end(), [&](const std::string& words) { return std::string(error.what()).find(words) != std::string::npos; });
  };
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_shapes_tell_which_naming_a_file_has) {
  const WeightMatch own = match({tensor("net.wide", {6, 2}), tensor("net.square", {2, 2})});
  BOOST_TEST(own.naming == "its own names");
  BOOST_TEST(!own.values[1].is_transposed);
  const WeightMatch foreign = match({tensor("net.wide", {2, 6}), tensor("net.square", {2, 2})});
  BOOST_TEST(foreign.naming == "Hugging Face's names");
  BOOST_TEST(foreign.values[1].is_transposed);
  const WeightMatch bare = match({tensor("wide", {2, 6}), tensor("wte", {5, 2})});
  BOOST_TEST(bare.naming == "Hugging Face's names without \"net.\"");
  BOOST_TEST(bare.values.size() == 2u);
}

BOOST_AUTO_TEST_CASE(what_is_in_one_place_only_is_named) {
  const WeightMatch partly = match({tensor("net.wide", {6, 2}), tensor("net.norm", {2}, "BF16"), tensor("optimizer.step", {})});
  BOOST_TEST(partly.only_in_model == std::vector<std::string>({"net.wte", "net.square", "net.count"}), boost::test_tools::per_element());
  BOOST_TEST(partly.only_in_file == std::vector<std::string>({"optimizer.step"}), boost::test_tools::per_element());
  BOOST_TEST(describe(partly) == "2 of 5 tensors of the model, by its own names; only in the model: net.wte, net.square, net.count; only there: optimizer.step");
}

BOOST_AUTO_TEST_CASE(long_lists_are_cut) {
  WeightMatch many;
  for (int i = 0; i < 20; ++i) many.only_in_file.push_back(format("t{}", i));
  BOOST_TEST(describe(many).ends_with("only there: t0, t1, t2, t3, t4, t5, t6, t7, and 12 more"));
}

BOOST_AUTO_TEST_CASE(shapes_and_formats_that_differ_are_refused_with_both) {
  BOOST_CHECK_EXCEPTION(match({tensor("net.wte", {7, 2}), tensor("net.wide", {6, 2})}), Error, says({"net.wte is F32 [5, 2] in the model, net.wte is F32 [7, 2] there", "by its own names"}));
  BOOST_CHECK_EXCEPTION(match({tensor("wte", {5, 3}), tensor("wide", {2, 6})}), Error, says({"net.wte is F32 [5, 2] in the model, wte is F32 [5, 3] there"}));
  BOOST_CHECK_EXCEPTION(match({tensor("net.count", {}, "F32"), tensor("net.wide", {6, 2})}), Error, says({"net.count is I64 [] in the model, net.count is F32 [] there"}));
}

BOOST_AUTO_TEST_CASE(a_file_of_other_tensors_is_refused_with_names_of_both) {
  BOOST_CHECK_EXCEPTION(match({tensor("layers.0.weight", {2})}), Error, says({"no tensor there", "layers.0.weight", "net.wte"}));
  BOOST_CHECK_EXCEPTION(match({}), Error, says({"it holds none"}));
}

BOOST_AUTO_TEST_CASE(a_file_that_fits_two_ways_is_refused) {
  BOOST_CHECK_EXCEPTION(match({tensor("net.square", {2, 2})}), Error, says({"fit by its own names and by Hugging Face's names", "config.json"}));
  BOOST_TEST(match({tensor("net.norm", {2})}).values.size() == 1u);  // means the same both ways
}

BOOST_AUTO_TEST_CASE(tied_tensors_must_be_equal_and_either_name_serves) {
  BOOST_TEST(match({tensor("wide", {2, 6}), tensor("head", {5, 2})}).values.size() == 2u);
  const WeightMatch both = match({tensor("wide", {2, 6}), tensor("wte", {5, 2}), tensor("head", {5, 2})});
  BOOST_TEST(both.values.size() == 2u);
  BOOST_TEST(both.only_in_file.empty());
  BOOST_CHECK_EXCEPTION(match({tensor("wide", {2, 6}), tensor("wte", {5, 2}), tensor("head", {5, 2}, "F32", kOtherValues)}), Error, says({"wte and head are one tensor of the model"}));
}

BOOST_AUTO_TEST_SUITE_END()
