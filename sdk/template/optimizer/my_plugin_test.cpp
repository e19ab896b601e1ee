// The update against arithmetic by hand, asked of the built file as the engine asks.
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>

#include <trainhost/torch/optimizer.h>
#include <boost/test/unit_test.hpp>
#include <trainhost/testing.hpp>

namespace t2 = trainhost::t2;

namespace {

struct Fixture {
  trainhost::testing::PluginUnderTest plugin;
  std::vector<t2::Parameter> parameters;
  std::vector<t2::ParameterGroup> groups;

  Fixture() {
    plugin.create(R"({"learning_rate": 0.1, "momentum": 0.5})").start();
    parameters.push_back({"w", at::tensor({1.0f, -2.0f}), /*master=*/{}, /*is_trainable=*/true, t2::kDecay});
    parameters[0].compute.mutable_grad() = at::tensor({4.0f, 8.0f});
    groups.push_back({{&parameters[0]}, /*rate_multiplier=*/1.0, /*weight_decay=*/0.0});
    optimizer().attach(groups);
  }
  t2::Optimizer& optimizer() { return const_cast<t2::Optimizer&>(plugin.table<t2::Optimizer>(t2::Optimizer::kInterface)); }
  void step(float found_non_finite, float multiplier = 0.5f) {
    const auto scalar = [](float value) { return at::full({}, value, at::kFloat); };
    optimizer().step({scalar(0.1f), scalar(multiplier), scalar(found_non_finite), scalar(1)});
  }
  float weight(std::int64_t i) { return parameters[0].compute[i].item<float>(); }
  float velocity(std::int64_t i) { return optimizer().state()[0].tensor[i].item<float>(); }
};

}  // namespace

// Sums of a few float32 numbers.
BOOST_FIXTURE_TEST_SUITE(my_plugin_test, Fixture, *boost::unit_test::tolerance(1e-6f))

BOOST_AUTO_TEST_CASE(velocity_gathers_gradients_and_moves_the_weight) {
  step(0);
  BOOST_TEST(velocity(0) == 2.0f);  // 4 * multiplier 0.5
  BOOST_TEST(weight(0) == 0.8f);
  step(0);
  BOOST_TEST(velocity(0) == 3.0f);  // 2 * momentum 0.5 + 2
  BOOST_TEST(weight(0) == 0.5f);
}

BOOST_AUTO_TEST_CASE(a_skipped_window_changes_nothing_even_where_gradients_are_no_numbers) {
  parameters[0].compute.mutable_grad().fill_(std::numeric_limits<float>::quiet_NaN());
  step(1, std::numeric_limits<float>::infinity());
  BOOST_TEST((weight(0) == 1.0f && weight(1) == -2.0f && velocity(0) == 0.0f));
}

BOOST_AUTO_TEST_CASE(a_parameter_without_a_gradient_stays) {
  parameters[0].compute.mutable_grad().reset();
  step(0);
  BOOST_TEST(weight(0) == 1.0f);
}

BOOST_AUTO_TEST_SUITE_END()
