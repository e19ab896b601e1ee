// The gpt plugin through its file: names, sizes from the data, refusals, causality.
#include <boost/test/unit_test.hpp>

#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/randint.h>

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>
#include <trainhost/testing.hpp>
#include <trainhost/testing/python_oracle.hpp>
#include <trainhost/torch/model.h>

namespace t2 = trainhost::t2;
using trainhost::Field;
using trainhost::PluginError;
using trainhost::testing::OracleFolder;

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

std::string config_with(const std::string& folder, const char* more = "") { return trainhost::format(R"({{"config": "{}"{}}})", folder, more); }

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

BOOST_AUTO_TEST_CASE(evaluations_count_the_targets_that_were_likeliest) {
  Gpt gpt;
  const at::NoGradGuard no_gradients;
  const at::Tensor tokens = at::randint(0, 20, {4, 8}, at::kLong);
  at::Tensor targets = tokens.clone();  // shared embeddings favour them from the start
  targets.select(1, 2).fill_(-1);
  int64_t num_right = 0;
  for (int64_t length = 1; length <= 8; ++length) {
    const at::Tensor likeliest = gpt.text().next_logits(tokens.narrow(1, 0, length)).argmax(1);
    num_right += likeliest.eq(targets.select(1, length - 1)).sum().item<int64_t>();
  }
  const t2::Batch batch{{{"tokens", tokens}, {"targets", targets}}, 4};
  const t2::Output evaluated = gpt.model().forward(batch, t2::Mode::kEvaluate);
  BOOST_REQUIRE(evaluated.metric_sums.size() == 1u);
  BOOST_TEST(evaluated.metric_sums[0].name == "accuracy");
  BOOST_TEST(evaluated.metric_sums[0].tensor.item<int64_t>() == num_right);
  BOOST_TEST(num_right > 4);
  BOOST_TEST(gpt.model().forward(batch, t2::Mode::kTrain).metric_sums.empty());
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

BOOST_AUTO_TEST_CASE(transformers_gives_the_same_loss_logits_and_gradients) {
  Gpt gpt(R"({"layers": 2, "heads": 2, "width": 16})");
  auto& foreign = const_cast<t2::HuggingFace&>(gpt.plugin.table<t2::HuggingFace>(t2::HuggingFace::kInterface));
  const t2::HuggingFaceLayout layout = foreign.hugging_face();
  const at::Tensor tokens = at::randint(0, 20, {4, 8}, at::kLong);
  at::Tensor targets = at::randint(0, 20, {4, 8}, at::kLong);
  targets.select(0, 1).fill_(-1);
  for (t2::Parameter& parameter : gpt.model().parameters()) parameter.compute.requires_grad_(true);
  const t2::Output out = gpt.model().forward({{{"tokens", tokens}, {"targets", targets}}, 4}, t2::Mode::kTrain);
  out.loss_sum.backward();

  std::vector<t2::NamedTensor> weights, seen = {{"tokens", tokens}, {"targets", targets}, {"loss", out.loss_sum}, {"logits", gpt.text().next_logits(tokens)}};
  nlohmann::json transposed = nlohmann::json::array();
  for (const t2::HuggingFaceTensor& tensor : layout.tensors) {
    if (tensor.is_alias) continue;
    const auto parameters = gpt.model().parameters();
    const at::Tensor& own = std::find_if(parameters.begin(), parameters.end(), [&](const t2::Parameter& one) { return one.name == tensor.own; })->compute;
    weights.push_back({tensor.foreign, tensor.is_transposed ? own.t() : own});
    seen.push_back({"gradient." + tensor.foreign, own.grad()});
    if (tensor.is_transposed) transposed.push_back(tensor.foreign);
  }
  const OracleFolder folder;
  folder.write("config.json", layout.config);
  folder.write("model.safetensors", weights);
  folder.write("seen.safetensors", seen);
  folder.write("transposed.json", transposed.dump());
  const std::vector<double> off = folder.ask("plugins/model/gpt/testing/transformers_gpt2.py");  // loss, logits, gradient
  BOOST_REQUIRE(off.size() == 3u);
  BOOST_TEST_MESSAGE("loss " << off[0] << ", logits " << off[1] << ", gradient " << off[2]);
  for (const double one : off) BOOST_TEST(one < 1e-5);
}

BOOST_AUTO_TEST_CASE(sizes_come_from_a_config_of_hugging_face) {
  const OracleFolder folder;
  const std::string text = R"({"model_type": "gpt2", "n_layer": 1, "n_head": 2, "n_embd": 8, "n_positions": 12, "vocab_size": 30, "n_inner": 32,
                               "activation_function": "gelu_pytorch_tanh", "resid_pdrop": 0.25, "embd_pdrop": 0.25, "attn_pdrop": 0.25})";
  const std::string file = folder.write("config.json", text);
  for (const std::string& place : {file, folder.path().string()}) {
    Gpt gpt(config_with(place, R"(, "heads": 2)").c_str());
    BOOST_TEST(gpt.model().parameters().size() == 16u);
    BOOST_TEST((gpt.model().parameters()[0].compute.sizes() == at::IntArrayRef{30, 8}));
    BOOST_TEST((gpt.model().parameters()[1].compute.sizes() == at::IntArrayRef{12, 8}));
    const auto config = nlohmann::json::parse(const_cast<t2::HuggingFace&>(gpt.plugin.table<t2::HuggingFace>(t2::HuggingFace::kInterface)).hugging_face().config);
    BOOST_TEST(config["resid_pdrop"] == 0.25);
    BOOST_TEST(config["n_head"] == 2);
  }
  BOOST_CHECK_EXCEPTION(Gpt(config_with(file, R"(, "layers": 2)").c_str()), PluginError, says("layers is 2, but " + file + " says n_layer: 1"));
  BOOST_CHECK_EXCEPTION(Gpt(config_with(file, R"(, "vocabulary": 20)").c_str()), PluginError, says("vocabulary is 20"));
  BOOST_CHECK_EXCEPTION(Gpt(config_with(folder.path().string() + "/none").c_str()), PluginError, says("cannot be read"));
}

BOOST_AUTO_TEST_CASE(a_config_of_another_network_is_refused_with_the_reason) {
  const OracleFolder folder;
  const auto refused = [&](const char* members, const char* words) {
    const std::string file = folder.write("config.json", members);
    BOOST_CHECK_EXCEPTION(Gpt(config_with(file).c_str()), PluginError, says(words));
  };
  refused(R"({"model_type": "llama"})", "model_type is \"llama\", this network has \"gpt2\"");
  refused(R"({"activation_function": "relu"})", "activation_function is \"relu\", this network has \"gelu_new\" or \"gelu_pytorch_tanh\"");
  refused(R"({"scale_attn_by_inverse_layer_idx": true})", "scale_attn_by_inverse_layer_idx is true");
  refused(R"({"layer_norm_epsilon": 1e-6})", "layer_norm_epsilon is 1e-06, this network has 1e-05");
  refused(R"({"tie_word_embeddings": false})", "tie_word_embeddings is false");
  refused(R"({"n_inner": 100})", "n_inner is 100, this network has null or 3072");
  refused(R"({"attn_pdrop": 0.2})", "resid_pdrop is 0.1, attn_pdrop is 0.2; this network has one dropout");
  refused(R"({"n_head": "two"})", "n_head must be a whole number of 1 or more, got \"two\"");
  refused(R"({"n_embd": 10, "n_head": 4})", "n_embd 10 must be a multiple of n_head 4");
  refused("GPT-2", "is no JSON object");
}

BOOST_AUTO_TEST_CASE(blocks_that_are_computed_again_give_the_same_bits) {
  const at::Tensor tokens = at::randint(0, 20, {3, 8}, at::kLong);
  const auto trained = [&](bool recomputes) {
    trainhost::testing::PluginUnderTest plugin;
    plugin.create(R"({"layers": 3, "heads": 2, "width": 8, "dropout": 0.2})").start();
    if (recomputes) const_cast<t2::Recomputable&>(plugin.table<t2::Recomputable>(t2::Recomputable::kInterface)).recompute_blocks();
    auto& model = const_cast<t2::Model&>(plugin.table<t2::Model>(t2::Model::kInterface));
    const std::vector<Field> fields = text_fields();
    model.build({fields, at::Device(at::kCPU), at::kFloat, 3});
    for (t2::Parameter& parameter : model.parameters()) parameter.compute.requires_grad_(true);
    at::manual_seed(5);
    const t2::Output output = model.forward({{{"tokens", tokens}, {"targets", tokens}}, 3}, t2::Mode::kTrain);
    output.loss_sum.backward();
    std::vector<at::Tensor> seen = {output.loss_sum.detach()};
    for (t2::Parameter& parameter : model.parameters()) seen.push_back(parameter.compute.grad());
    return seen;
  };
  const auto kept = trained(false), again = trained(true);
  for (size_t i = 0; i < kept.size(); ++i) BOOST_TEST(kept[i].equal(again[i]), "tensor " << i);
}

BOOST_AUTO_TEST_SUITE_END()
