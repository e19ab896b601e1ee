// The gpt plugin through its file: names, sizes from the data, refusals, causality.
#include <boost/test/unit_test.hpp>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/randint.h>

#include <cmath>

#include <trainhost/testing.hpp>
#include <trainhost/torch/model.h>

namespace t2 = trainhost::t2;
using trainhost::Field;
using trainhost::PluginError;

namespace {

std::vector<Field> text_fields(int64_t length = 8, trainhost_dtype dtype = trainhost::kUInt8) {
  return {{"tokens", TRAINHOST_FIELD_INPUT, dtype, {length}, {}, 20, -1}, {"targets", TRAINHOST_FIELD_TARGET, dtype, {length}, {}, 20, -1}};
}

struct Gpt {
  trainhost::testing::PluginUnderTest plugin;
  explicit Gpt(const char* config = R"({"layers": 1, "heads": 2, "width": 8})", const std::vector<Field>& fields = text_fields(), uint64_t seed = 3) {
    plugin.create(config).start();
    model().build({fields, at::Device(at::kCPU), at::kFloat, seed});
  }
  t2::Model& model() { return const_cast<t2::Model&>(plugin.table<t2::Model>(t2::Model::kInterface)); }
  t2::TextModel& text() { return const_cast<t2::TextModel&>(plugin.table<t2::TextModel>(t2::TextModel::kInterface)); }
};

auto says(std::string words) {
  return [words](const PluginError& error) { return error.status == TRAINHOST_INVALID_ARGUMENT && error.message.find(words) != std::string::npos; };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(gpt_test)

BOOST_AUTO_TEST_CASE(parameters_have_the_names_and_shapes_of_a_pytorch_state_dict) {
  Gpt gpt;
  std::vector<std::string> names;
  for (const t2::Parameter& parameter : gpt.model().parameters()) names.push_back(parameter.name);
  const std::vector<std::string> wanted = {
      "transformer.wte.weight", "transformer.wpe.weight", "transformer.h.0.ln_1.weight", "transformer.h.0.ln_1.bias", "transformer.h.0.attn.c_attn.weight",
      "transformer.h.0.attn.c_attn.bias", "transformer.h.0.attn.c_proj.weight", "transformer.h.0.attn.c_proj.bias", "transformer.h.0.ln_2.weight",
      "transformer.h.0.ln_2.bias", "transformer.h.0.mlp.c_fc.weight", "transformer.h.0.mlp.c_fc.bias", "transformer.h.0.mlp.c_proj.weight",
      "transformer.h.0.mlp.c_proj.bias", "transformer.ln_f.weight", "transformer.ln_f.bias"};
  BOOST_TEST(names == wanted, boost::test_tools::per_element());
  BOOST_TEST((gpt.model().parameters()[0].compute.sizes() == at::IntArrayRef{20, 8}));
  BOOST_TEST((gpt.model().parameters()[4].compute.sizes() == at::IntArrayRef{24, 8}));
}

BOOST_AUTO_TEST_CASE(the_same_seed_gives_the_same_weights) {
  Gpt a, b, c(R"({"layers": 1, "heads": 2, "width": 8})", text_fields(), 4);
  BOOST_TEST(a.model().parameters()[4].compute.equal(b.model().parameters()[4].compute));
  BOOST_TEST(!a.model().parameters()[4].compute.equal(c.model().parameters()[4].compute));
}

BOOST_AUTO_TEST_CASE(an_untrained_model_knows_nothing_and_ignored_targets_do_not_count) {
  Gpt gpt;
  const at::Tensor tokens = at::randint(0, 20, {4, 8}, at::kLong);
  at::Tensor targets = tokens.add(7).remainder(20);  // not the tokens themselves: shared embeddings favour them from the start
  targets.select(0, 0).fill_(-1);
  const t2::Output out = gpt.model().forward({{{"tokens", tokens.to(at::kByte)}, {"targets", targets.to(at::kInt)}}, 4}, t2::Mode::kTrain);
  BOOST_TEST(out.count.item<int64_t>() == 24);
  BOOST_TEST(out.loss_sum.item<double>() / 24 == std::log(20.0), boost::test_tools::tolerance(0.03));
}

BOOST_AUTO_TEST_CASE(next_logits_look_at_the_last_tokens_that_fit) {
  Gpt gpt;
  const at::NoGradGuard no_gradients;
  const at::Tensor tokens = at::randint(0, 20, {2, 30}, at::kLong);
  const at::Tensor logits = gpt.text().next_logits(tokens);
  BOOST_TEST((logits.sizes() == at::IntArrayRef{2, 20}));
  BOOST_TEST(logits.equal(gpt.text().next_logits(tokens.narrow(1, 22, 8))));
}

BOOST_AUTO_TEST_CASE(data_that_does_not_fit_is_refused_with_both_numbers) {
  BOOST_CHECK_EXCEPTION(Gpt(R"({"context_length": 4})"), PluginError, says("context_length is 4, but samples have up to 8 tokens"));
  BOOST_CHECK_EXCEPTION(Gpt(R"({"vocabulary": 7})"), PluginError, says("vocabulary is 7, but the data has 20 tokens"));
  BOOST_CHECK_EXCEPTION(Gpt(R"({"width": 10, "heads": 4})"), PluginError, says("width 10 must be a multiple of heads 4"));
  BOOST_CHECK_EXCEPTION(Gpt("{}", {{"x", 0, trainhost::kFloat32, {3}, {}, 0, 0}}), PluginError, says("no field \"tokens\", only: x"));
  BOOST_CHECK_EXCEPTION(Gpt("{}", text_fields(8, trainhost::kFloat32)), PluginError, says("integers"));
}

BOOST_AUTO_TEST_CASE(a_batch_longer_than_the_context_is_refused) {
  Gpt gpt;
  const at::Tensor tokens = at::randint(0, 20, {1, 9}, at::kLong);
  BOOST_CHECK_EXCEPTION(gpt.model().forward({{{"tokens", tokens}, {"targets", tokens}}, 1}, t2::Mode::kTrain), PluginError, says("a sample has 9 tokens, context_length is 8"));
}

BOOST_AUTO_TEST_SUITE_END()
