// The model's sums and counts, asked of the built file as the engine asks.
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>

#include <trainhost/torch/model.h>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <trainhost/testing.hpp>

namespace t2 = trainhost::t2;
using trainhost::testing::status_of;

namespace {

const std::vector<trainhost::Field> kFields = {{.name = "x", .shape = {2}},
                                               {.name = "y", .role = TRAINHOST_FIELD_TARGET, .dtype = trainhost::kInt64, .num_classes = 3, .pad_value = -1}};

struct Fixture {
  trainhost::testing::PluginUnderTest plugin;
  Fixture() { plugin.create().start(); }
  t2::Model& model() { return const_cast<t2::Model&>(plugin.table<t2::Model>(t2::Model::kInterface)); }
  void build(const std::vector<trainhost::Field>& fields) { model().build({fields, at::Device(at::kCPU), at::kFloat, 1}); }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(my_plugin_test, Fixture)

BOOST_AUTO_TEST_CASE(the_loss_is_a_sum_over_the_targets_that_count) {
  build(kFields);
  model().parameters()[0].compute.zero_();  // all classes are as likely: the loss of a target is log(3)
  const t2::Output out = model().forward({{{"x", at::ones({4, 2})}, {"y", at::tensor({0, 2, -1, 1})}}, 4}, t2::Mode::kTrain);
  BOOST_TEST(out.count.item<std::int64_t>() == 3);
  BOOST_TEST(out.loss_sum.item<float>() == 3 * std::log(3.0f), boost::test_tools::tolerance(1e-5f));  // float32 of three terms
}

BOOST_AUTO_TEST_CASE(the_seed_alone_decides_the_weights) {
  Fixture other;
  build(kFields), other.build(kFields);
  BOOST_TEST(model().parameters()[0].compute.equal(other.model().parameters()[0].compute));
}

BOOST_AUTO_TEST_CASE(data_that_does_not_suit_is_refused) {
  BOOST_TEST(status_of([&] { build({kFields[0]}); }) == TRAINHOST_INVALID_ARGUMENT);
  auto fields = kFields;
  fields[1].num_classes = 0;
  BOOST_TEST(status_of([&] { build(fields); }) == TRAINHOST_INVALID_ARGUMENT);
}

BOOST_AUTO_TEST_SUITE_END()
