// The mlp plugin through its file: classes, values, refusals.
#include <boost/test/unit_test.hpp>

#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>

#include <trainhost/testing.hpp>
#include <trainhost/torch/model.h>

namespace t2 = trainhost::t2;
using trainhost::Field;
using trainhost::PluginError;

namespace {

Field inputs() { return {"x", TRAINHOST_FIELD_INPUT, trainhost::kFloat32, {2, 3}, {}, 0, 0}; }
Field classes(int64_t count) { return {"y", TRAINHOST_FIELD_TARGET, trainhost::kInt64, {}, {}, count, -1}; }
Field values() { return {"y", TRAINHOST_FIELD_TARGET, trainhost::kFloat32, {2}, {}, 0, 0}; }

struct Mlp {
  trainhost::testing::PluginUnderTest plugin;
  Mlp(const char* config, const std::vector<Field>& fields) {
    plugin.create(config).start();
    model().build({fields, at::Device(at::kCPU), at::kFloat, 1});
  }
  t2::Model& model() { return const_cast<t2::Model&>(plugin.table<t2::Model>(t2::Model::kInterface)); }
  const at::Tensor& weight(size_t index) { return model().parameters()[index].compute; }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(mlp_test)

BOOST_AUTO_TEST_CASE(layers_follow_the_widths) {
  Mlp mlp(R"({"widths": [5, 4]})", {inputs(), classes(3)});
  BOOST_TEST(mlp.model().parameters().size() == 6u);
  BOOST_TEST(mlp.model().parameters()[4].name == "layers.2.weight");
  BOOST_TEST((mlp.weight(0).sizes() == at::IntArrayRef{5, 6}));
  BOOST_TEST((mlp.weight(4).sizes() == at::IntArrayRef{3, 4}));
}

BOOST_AUTO_TEST_CASE(integer_targets_are_classes_with_an_accuracy) {
  Mlp mlp(R"({"widths": []})", {inputs(), classes(3)});
  const at::Tensor x = at::randn({4, 2, 3});
  const at::Tensor logits = at::linear(x.flatten(1), mlp.weight(0), mlp.weight(1));
  at::Tensor y = logits.argmax(1);
  y[3].fill_(-1);  // does not count
  const t2::Output out = mlp.model().forward({{{"x", x}, {"y", y}}, 4}, t2::Mode::kTrain);
  BOOST_TEST(out.count.item<int64_t>() == 3);
  BOOST_TEST(out.loss_sum.item<float>() == at::cross_entropy_loss(logits, y, {}, at::Reduction::Sum, -1).item<float>());
  BOOST_REQUIRE(out.metric_sums.size() == 1u);
  BOOST_TEST(out.metric_sums[0].tensor.item<int64_t>() == 3);
}

BOOST_AUTO_TEST_CASE(evaluations_know_the_best_five_and_each_pair_of_classes) {
  Mlp mlp(R"({"widths": [], "confusion": true})", {inputs(), classes(6)});
  const at::Tensor x = at::randn({50, 2, 3});
  const at::Tensor logits = at::linear(x.flatten(1), mlp.weight(0), mlp.weight(1));
  at::Tensor y = at::randint(0, 6, {50}, at::kLong);
  y[3].fill_(-1);
  const t2::Output out = mlp.model().forward({{{"x", x}, {"y", y}}, 50}, t2::Mode::kEvaluate);
  BOOST_REQUIRE(out.metric_sums.size() == 2u + 36u);
  int64_t in_five = 0;
  int64_t table[6][6] = {};
  for (int64_t i = 0; i < 50; ++i) {
    if (i == 3) continue;
    const int64_t label = y[i].item<int64_t>();
    in_five += logits[i].gt(logits[i][label]).sum().item<int64_t>() < 5;
    ++table[label][logits[i].argmax().item<int64_t>()];
  }
  BOOST_TEST(out.metric_sums[1].name == "top5_accuracy");
  BOOST_TEST(out.metric_sums[1].tensor.item<int64_t>() == in_five);
  for (size_t t = 0; t < 6; ++t)
    for (size_t p = 0; p < 6; ++p) {
      const t2::NamedTensor& pair = out.metric_sums[2 + 6 * t + p];
      BOOST_TEST(pair.name == trainhost::format("confusion_{}_{}", t, p));
      BOOST_TEST(pair.tensor.item<double>() == static_cast<double>(table[t][p]));
    }
}

BOOST_AUTO_TEST_CASE(real_targets_are_values_with_a_squared_error) {
  Mlp mlp(R"({"widths": []})", {inputs(), values()});
  const at::Tensor x = at::randn({4, 2, 3});
  const at::Tensor y = at::linear(x.flatten(1), mlp.weight(0), mlp.weight(1)).detach().add(2.0);
  const t2::Output out = mlp.model().forward({{{"x", x}, {"y", y}}, 4}, t2::Mode::kTrain);
  BOOST_TEST(out.count.item<float>() == 8.0f);
  BOOST_TEST(out.loss_sum.item<float>() == 8 * 4.0f, boost::test_tools::tolerance(1e-5f));
  BOOST_REQUIRE(out.metric_sums.size() == 1u);
  BOOST_TEST(out.metric_sums[0].name == "absolute_error");
  BOOST_TEST(out.metric_sums[0].tensor.item<float>() == 8 * 2.0f, boost::test_tools::tolerance(1e-5f));
}

BOOST_AUTO_TEST_CASE(data_without_the_fields_or_classes_is_refused) {
  BOOST_CHECK_EXCEPTION(Mlp("{}", {inputs()}), PluginError, [](const PluginError& e) { return e.message.find("no field \"y\"") != std::string::npos; });
  BOOST_CHECK_EXCEPTION(Mlp("{}", {inputs(), classes(0)}), PluginError, [](const PluginError& e) { return e.message.find("wanted at least 2") != std::string::npos; });
  const auto refuses_pairs = [](const PluginError& e) { return e.message.find("confusion counts pairs of classes, of at most 32") != std::string::npos; };
  BOOST_CHECK_EXCEPTION(Mlp(R"({"confusion": true})", {inputs(), classes(33)}), PluginError, refuses_pairs);
  BOOST_CHECK_EXCEPTION(Mlp(R"({"confusion": true})", {inputs(), values()}), PluginError, refuses_pairs);
}

BOOST_AUTO_TEST_SUITE_END()
