// The pt2 plugin through its file, on bundles that the exporter writes: what it computes, what it refuses.
#include <boost/test/data/test_case.hpp>

#include <ATen/ops/full.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>

#include "testing/fixture.h"

using namespace pt2_testing;

namespace {

std::string bundle(const std::string& name) { return written(name, "gpt gpt_without_dropout convolutions odds fixed frozen drawn layered enclosed chain layouts"); }

}  // namespace

BOOST_AUTO_TEST_SUITE(pt2_test)

// The record is eager PyTorch's: losses, gradients and weights of three steps, two evaluations, buffers.
BOOST_DATA_TEST_CASE(replays_compute_what_eager_computed,
                     boost::unit_test::data::make({"gpt", "gpt_without_dropout", "convolutions", "odds", "fixed", "frozen", "drawn", "layered", "enclosed", "chain", "layouts"}), name) {
  const json answer = json::parse(Pt2(bundle(name)).file().check("cpu"));
  BOOST_TEST(answer.at("facts").at("wanted") == "every bit");
  BOOST_TEST(answer.at("passed").get<bool>(), answer.dump(1));
  BOOST_TEST(answer.at("tables").at(0).at("rows").size() > 12u);
}

BOOST_AUTO_TEST_CASE(parameters_are_the_models_own_and_tied_ones_come_once) {
  Pt2 gpt(bundle("gpt"));
  gpt.build({tokens(), targets()});
  std::vector<std::string> names;
  for (const t2::Parameter& parameter : gpt.model().parameters()) names.push_back(parameter.name);
  BOOST_TEST(std::count(names.begin(), names.end(), "wte.weight") == 1);
  BOOST_TEST(std::count(names.begin(), names.end(), "head.weight") == 0);
  BOOST_TEST(gpt.model().buffers().empty());
}

BOOST_AUTO_TEST_CASE(buffers_that_training_changes_are_reported_and_change_in_training_only) {
  Pt2 net(bundle("convolutions"));
  net.build({{"image", TRAINHOST_FIELD_INPUT, trainhost::kFloat32, {3, 8, 8}, {}, 0, 0}, {"label", TRAINHOST_FIELD_TARGET, trainhost::kInt64, {}, {}, 4, -100}});
  const auto sum = [&] {
    double total = 0;
    for (const t2::NamedTensor& buffer : net.model().buffers()) total += buffer.tensor.to(at::kDouble).sum().item<double>();
    return total;
  };
  const t2::Batch batch{{{"image", at::rand({4, 3, 8, 8})}, {"label", at::zeros({4}, at::TensorOptions(at::kLong))}}, 4};
  BOOST_TEST(net.model().buffers().size() == 18u);  // mean, variance and count of six norms
  const double before = sum();
  net.model().forward(batch, t2::Mode::kEvaluate);
  BOOST_TEST(sum() == before);
  net.model().forward(batch, t2::Mode::kTrain);
  BOOST_TEST(sum() != before);
}

BOOST_AUTO_TEST_CASE(narrower_numbers_and_other_sizes_within_the_dimensions_are_taken) {
  Pt2 gpt(bundle("gpt_without_dropout"));
  gpt.build({tokens(), targets()});
  for (const auto& [samples, length] : {std::pair<int64_t, int64_t>{1, 16}, {7, 2}, {3, 9}}) {
    const t2::Output output = gpt.model().forward(text(samples, length), t2::Mode::kTrain);
    BOOST_TEST(output.count.item<int64_t>() == samples * length);
    BOOST_REQUIRE(output.metric_sums.size() == 1u);
    BOOST_TEST(output.metric_sums[0].name == "accuracy");
  }
}

BOOST_AUTO_TEST_CASE(forward_uses_the_tensors_that_the_engine_puts_into_compute) {
  Pt2 net(bundle("fixed"));
  net.build({x(), y()});
  for (t2::Parameter& parameter : net.model().parameters()) parameter.compute = at::zeros(parameter.compute.sizes());
  const t2::Output output = net.model().forward({{{"x", at::rand({4, 3})}, {"y", at::full({4, 2}, 3.0)}}, 4}, t2::Mode::kTrain);
  BOOST_TEST(output.loss_sum.item<float>() == 72.0f);
}

BOOST_AUTO_TEST_CASE(frozen_parameters_are_not_trainable) {
  Pt2 net(bundle("frozen"));
  net.build({x(), y()});
  BOOST_TEST(net.model().parameters()[0].is_trainable);
  BOOST_TEST(!net.model().parameters()[1].is_trainable);
}

BOOST_AUTO_TEST_CASE(initial_values_by_rule_follow_the_seed) {
  const auto first = [](uint64_t seed) {
    Pt2 model(bundle("drawn"));
    model.build({tokens(), targets()}, seed);
    return model.model().parameters()[0].compute.flatten()[0].item<float>();
  };
  BOOST_TEST(first(1) == first(1));
  BOOST_TEST(first(1) != first(2));
}

// ---- refusals when the model is built

BOOST_AUTO_TEST_CASE(data_that_cannot_feed_the_model_is_refused) {
  const auto refused = [](const std::vector<Field>& fields) { return complaint([&] { Pt2(bundle("gpt")).build(fields); }); };
  require_words(refused({tokens()}), {"no field \"targets\"", "only: tokens", "[model] fields"});
  require_words(refused({tokens(17), targets(17)}), {"\"tokens\"", "17", "\"time\" goes from 2 to 16", "[batch, time]"});
  require_words(refused({{"tokens", TRAINHOST_FIELD_INPUT, trainhost::kFloat32, {16}, {}, 0, 0}, targets()}), {"holds Float", "exported for int64"});
  require_words(refused({tokens(16, 33), targets()}), {"33 classes", "exported for 32"});
  require_words(refused({{"tokens", TRAINHOST_FIELD_INPUT, trainhost::kInt64, {}, {}, 32, 0}, targets()}), {"0 axes, wanted 1"});
  require_words(complaint([] { Pt2(bundle("fixed")).build({{"x", TRAINHOST_FIELD_INPUT, trainhost::kFloat64, {3}, {}, 0, 0}, y()}); }), {"holds Double", "float32"});
}

BOOST_AUTO_TEST_CASE(another_number_format_of_weights_is_refused) {
  Pt2 net(bundle("fixed"));
  const std::vector<Field> fields{x(), y()};
  require_words(complaint([&] { net.model().build({fields, at::Device(at::kCPU), at::kDouble, 1}); }), {"linear.weight", "is float32", "trains float64"});
}

// ---- refusals of batches

BOOST_AUTO_TEST_CASE(batches_that_were_not_exported_for_are_refused) {
  Pt2 gpt(bundle("gpt")), net(bundle("fixed"));
  gpt.build({tokens(), targets()});
  net.build({x(), y()});
  require_words(complaint([&] { gpt.model().forward(text(2, 1), t2::Mode::kTrain); }), {"\"tokens\"", "[2, 1]", "\"time\" goes from 2 to 16"});
  t2::Batch uneven = text(2, 8);
  uneven.fields[1].tensor = uneven.fields[1].tensor.narrow(1, 0, 5);
  require_words(complaint([&] { gpt.model().forward(uneven, t2::Mode::kTrain); }), {"\"targets\"", "\"time\" is 8 in another field"});
  t2::Batch other = text(2, 8);
  other.fields[0].tensor = other.fields[0].tensor.to(at::kInt);
  require_words(complaint([&] { gpt.model().forward(other, t2::Mode::kTrain); }), {"\"tokens\" holds Int", "the data said Byte"});
  const t2::Batch many{{{"x", at::rand({5, 3})}, {"y", at::rand({5, 2})}}, 5};
  require_words(complaint([&] { net.model().forward(many, t2::Mode::kTrain); }), {"[5, 3]", "[4, 3]", "number of samples is fixed"});
}

BOOST_AUTO_TEST_CASE(the_host_is_told_which_values_there_are) {
  Pt2 gpt(bundle("gpt")), net(bundle("fixed"));
  gpt.build({tokens(16, 0), targets(16, 0)});
  net.build({x(), y()});
  const std::vector<t2::ValueLimit> limits = gpt.plugin.table<t2::ValueLimits>(t2::ValueLimits::kInterface).value_limits();
  BOOST_REQUIRE(limits.size() == 2u);
  BOOST_TEST(limits[0].field == "tokens");
  BOOST_TEST(limits[0].num_classes == 32);
  BOOST_TEST(!limits[0].takes_pad_value);
  BOOST_TEST(limits[1].takes_pad_value);
  BOOST_TEST(limits[1].ignored_value.value() == -1);
  BOOST_TEST(net.plugin.table<t2::ValueLimits>(t2::ValueLimits::kInterface).value_limits().empty());
}

BOOST_AUTO_TEST_CASE(another_value_for_padding_counts_as_the_models_own) {
  Pt2 gpt(bundle("gpt"));
  Field other = targets();
  other.pad_value = -100;
  gpt.build({tokens(), other});
  t2::Batch batch = text(2, 8);
  batch.fields[1].tensor[0].fill_(-100);
  BOOST_TEST(gpt.model().forward(batch, t2::Mode::kEvaluate).count.item<int64_t>() == 8);
}

// ---- the file's own answers

BOOST_AUTO_TEST_CASE(info_counts_parameters_operators_and_arithmetic) {
  const json answer = json::parse(Pt2(bundle("gpt_without_dropout")).file().info());
  // Of a sample: 2 layers of 12 width^2, and the head, twice a multiplication and an addition for each of 16 tokens; attention 4 * 16 * 16 * width a layer.
  const double linear = 2.0 * 16 * (2 * 12 * 32 * 32 + 32 * 32), attention = 2.0 * 4 * 16 * 16 * 32;
  BOOST_TEST(answer.at("facts").at("forward FLOPs a sample").get<double>() == linear + attention);
  const int64_t weights = 32 * 32 + 16 * 32 + 2 * (12 * 32 * 32 + 13 * 32) + 2 * 32;
  BOOST_TEST(answer.at("facts").at("parameters").get<int64_t>() == weights);
  BOOST_TEST(answer.dump().find(R"(["tokens int64 [16] role=input classes=32"])") != std::string::npos, answer.dump());
  BOOST_TEST(answer.dump().find(R"(["aten.linear.default",9,9])") != std::string::npos, answer.dump());
}

BOOST_AUTO_TEST_CASE(a_run_goes_on_with_its_own_bundle_only) {
  Pt2 gpt(bundle("gpt"));
  const auto state = gpt.plugin.save();
  gpt.build({tokens(), targets()});
  BOOST_TEST((gpt.plugin.save() == state));
  trainhost::testing::PluginUnderTest same, other;
  same.create(config_of(bundle("gpt"))).load(state);
  other.create(config_of(bundle("fixed")));
  BOOST_TEST(trainhost::testing::status_of([&] { other.load(state); }) == TRAINHOST_FAILED_PRECONDITION);
}

BOOST_AUTO_TEST_SUITE_END()
