// AdamW through its file: the first update against the paper's formula, the second moment against arithmetic by hand.
#include <boost/test/unit_test.hpp>

#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>

#include <trainhost/testing.hpp>
#include <trainhost/torch/optimizer.h>

namespace t2 = trainhost::t2;

namespace {

struct Fixture {
  trainhost::testing::PluginUnderTest plugin;
  std::vector<t2::Parameter> parameters;
  std::vector<t2::ParameterGroup> groups;

  explicit Fixture(const char* config = R"({"learning_rate": 0.1, "beta2": 0.9, "weight_decay": 0.5})") {
    plugin.create(config).start();
    parameters.push_back({"w", at::tensor({1.0f, -2.0f}), {}, true, t2::kDecay});
    parameters[0].compute.mutable_grad() = at::tensor({4.0f, 8.0f});
    groups.push_back({{&parameters[0]}, 2.0, 0.5});
    optimizer().attach(groups);
  }
  t2::Optimizer& optimizer() { return const_cast<t2::Optimizer&>(plugin.table<t2::Optimizer>(t2::Optimizer::kInterface)); }
  void step(float found_non_finite, float multiplier = 0.5) {
    const auto scalar = [](float value) { return at::full({}, value, at::kFloat); };
    optimizer().step({scalar(0.1f), scalar(multiplier), scalar(found_non_finite), scalar(1)});
  }
  float weight(int64_t i) { return parameters[0].compute[i].item<float>(); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(adamw_test, *boost::unit_test::tolerance(1e-5f))

BOOST_AUTO_TEST_CASE(the_first_update_is_the_sign_of_the_gradient_beside_the_decay) {
  Fixture f;
  f.step(0);
  // rate 0.1 times the group's 2: w - 0.2 * 0.5 * w - 0.2 * sign(g), as the bias corrections make m / sqrt(v) the sign.
  BOOST_TEST(f.weight(0) == 1.0f - 0.1f - 0.2f);
  BOOST_TEST(f.weight(1) == -2.0f + 0.2f - 0.2f);
  BOOST_TEST(f.optimizer().state()[0].name == "w.exp_avg");
  BOOST_TEST(f.optimizer().state()[0].tensor[0].item<float>() == 0.1f * 2.0f);  // 4 * multiplier 0.5
  BOOST_TEST(f.optimizer().state()[1].name == "w.exp_avg_sq");
  BOOST_TEST(f.optimizer().state()[1].tensor[1].item<float>() == 0.1f * 16.0f);
}

BOOST_AUTO_TEST_CASE(a_skipped_window_changes_nothing_even_with_a_multiplier_that_is_no_number) {
  Fixture f;
  f.step(1, std::numeric_limits<float>::quiet_NaN());
  BOOST_TEST(f.weight(0) == 1.0f);
  for (const t2::NamedTensor& slot : f.optimizer().state()) BOOST_TEST(slot.tensor.abs().sum().item<float>() == 0.0f);
}

BOOST_AUTO_TEST_CASE(a_parameter_without_a_gradient_stays) {
  Fixture f;
  f.parameters[0].compute.mutable_grad().reset();
  f.step(0);
  BOOST_TEST(f.weight(0) == 1.0f);
}

BOOST_AUTO_TEST_CASE(it_tells_the_engine_its_rate_and_decay) {
  Fixture f;
  BOOST_TEST(f.optimizer().learning_rate() == 0.1);
  BOOST_TEST(f.optimizer().weight_decay() == 0.5);
}

BOOST_AUTO_TEST_SUITE_END()
