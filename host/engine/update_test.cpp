// The end of a window against the arithmetic of PyTorch: clip_grad_norm_ and the loss scale's own operator.
#include "engine/update.h"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <ATen/ops/_amp_update_scale.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

using namespace trainhost;

BOOST_AUTO_TEST_SUITE(update_test)

namespace {

trainhost_precision_plan plan_with_scale(double initial_scale, uint64_t growth_interval) {
  trainhost_precision_plan plan{};
  plan.struct_size = sizeof plan;
  plan.scale_mode = TRAINHOST_SCALE_DEVICE;
  plan.initial_scale = initial_scale;
  plan.growth_factor = 2, plan.backoff_factor = 0.5, plan.growth_interval = growth_interval;
  plan.min_scale = 1, plan.max_scale = 1 << 24;
  return plan;
}

at::Tensor numbers(std::vector<double> values) { return at::from_blob(values.data(), {static_cast<int64_t>(values.size())}, at::kDouble).clone(); }

struct Seen {
  float rate = 0, multiplier = 0, skip = 0, step = 0;
  std::vector<double> row;
  bool is_applied = false;
};

Seen end_window(Update& update, const std::vector<at::Tensor>& gradients, const std::vector<double>& sums, int exponent = 0) {
  Seen seen;
  const at::Tensor rates = numbers({0.5, 0.25, 0.125});
  const Update::Outcome outcome = update.run({numbers(sums), gradients, exponent, rates}, [&](const t2::StepInputs& inputs) {
    seen.rate = inputs.learning_rate.item<float>(), seen.multiplier = inputs.gradient_multiplier.item<float>();
    seen.skip = inputs.found_non_finite.item<float>(), seen.step = inputs.step.item<float>();
  });
  seen.row.assign(outcome.row.data_ptr<double>(), outcome.row.data_ptr<double>() + outcome.row.numel());
  seen.is_applied = outcome.is_applied.item<bool>();
  return seen;
}

std::vector<at::Tensor> some_gradients(double size) { return {at::randn({7, 5}).mul_(size), at::randn({3}).mul_(size)}; }

}  // namespace

BOOST_AUTO_TEST_CASE(the_multiplier_is_that_of_clip_grad_norm_over_the_mean) {
  for (const double clip : {0.0, 0.1, 100.0}) {
    Update update(plan_with_scale(1024, 2000), clip, at::kCPU);
    const std::vector<at::Tensor> gradients = some_gradients(300);
    const Seen seen = end_window(update, gradients, {12.0, 6.0, 3.0}, 3);
    const double unscale = std::ldexp(1.0, 3) / (6.0 * 1024.0);
    const double norm = std::hypot(at::linalg_vector_norm(gradients[0]).item<double>(), at::linalg_vector_norm(gradients[1]).item<double>()) * unscale;
    const double clipped = clip > 0 ? std::min(1.0, clip / (norm + 1e-6)) : 1.0;
    BOOST_TEST(seen.multiplier == static_cast<float>(clipped * unscale), boost::test_tools::tolerance(1e-6F));
    BOOST_TEST(seen.row[UpdateRow::kGradientNorm] == norm, boost::test_tools::tolerance(1e-6));
    BOOST_TEST(seen.rate == 0.5F);
    BOOST_TEST(seen.step == 1.0F);
    BOOST_TEST(seen.skip == 0.0F);
    BOOST_TEST((seen.is_applied && seen.row.size() == 8u && seen.row[UpdateRow::kLossSum] == 12.0 && seen.row[UpdateRow::kCount] == 6.0 && seen.row[UpdateRow::kFirstMetric] == 3.0));
  }
}

BOOST_AUTO_TEST_CASE(the_rate_is_that_of_the_step_around_the_ring) {
  Update update(plan_with_scale(1, 2000), 0, at::kCPU);
  for (const double rate : {0.5, 0.25, 0.125, 0.5, 0.25}) BOOST_TEST(end_window(update, some_gradients(1), {1, 1}).row[UpdateRow::kLearningRate] == rate);
  BOOST_TEST(update.step().item<int64_t>() == 5);
}

BOOST_AUTO_TEST_CASE(what_is_not_finite_and_what_has_no_targets_is_skipped) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();
  for (const auto& [loss, count, factor] : std::vector<std::tuple<double, double, double>>{{kNan, 1, 1}, {kInfinity, 1, 1}, {1, 0, 1}, {1, 1, kNan}, {1, 1, kInfinity}}) {
    Update update(plan_with_scale(8, 2000), 1, at::kCPU);
    const Seen seen = end_window(update, some_gradients(factor), {loss, count});
    BOOST_TEST((!seen.is_applied && seen.skip == 1.0F && seen.row[UpdateRow::kIsApplied] == 0.0 && seen.row[UpdateRow::kStep] == 0.0));
    BOOST_TEST(update.step().item<int64_t>() == 0);
    BOOST_TEST(update.loss_scale().item<float>() == (count == 0 ? 8.0F : 4.0F));  // a window without targets says nothing of the scale
  }
}

BOOST_AUTO_TEST_CASE(the_loss_scale_moves_as_that_of_pytorch) {
  std::mt19937 random(3);
  Update update(plan_with_scale(65536, 5), 0, at::kCPU);
  at::Tensor scale = at::full({}, 65536.0F), tracker = at::zeros({}, at::kInt);
  for (int window = 0; window < 2000; ++window) {
    const bool overflows = random() % 7 == 0;
    end_window(update, some_gradients(overflows ? std::numeric_limits<double>::infinity() : 1), {1, 1});
    at::_amp_update_scale_(scale, tracker, at::full({}, overflows ? 1.0F : 0.0F), 2.0, 0.5, 5);
    scale.clamp_(1, 1 << 24);
    BOOST_TEST(update.loss_scale().item<float>() == scale.item<float>());
    BOOST_TEST(update.growth_tracker().item<int32_t>() == tracker.item<int32_t>());
  }
}

BOOST_AUTO_TEST_CASE(a_model_without_gradients_has_norm_zero) {
  Update update(plan_with_scale(1, 2000), 1, at::kCPU);
  const Seen seen = end_window(update, {}, {3, 2});
  BOOST_TEST((seen.is_applied && seen.row[UpdateRow::kGradientNorm] == 0.0));
}

BOOST_AUTO_TEST_SUITE_END()
