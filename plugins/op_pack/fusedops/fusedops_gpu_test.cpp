// The kernels through the plugin's file and LibTorch's dispatcher, against LibTorch's own in float64, which no kernel of the pack takes.
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include <trainhost/testing.hpp>
#include <trainhost/torch/op_pack.h>

#include "autocast.h"

namespace t2 = trainhost::t2;
namespace data = boost::unit_test::data;

BOOST_AUTO_TEST_SUITE(fusedops_gpu_test)

namespace {

class Pack {
 public:
  explicit Pack(const char* config = "{}") {
    plugin_.create(config).start();
    auto& pack = const_cast<t2::OpPack&>(plugin_.table<t2::OpPack>(t2::OpPack::kInterface));
    for (const t2::OpReplacement& one : pack.replacements())
      handles_.push_back(c10::Dispatcher::singleton().registerImpl({one.op, one.overload}, c10::parseDispatchKey(one.dispatch_key), one.kernel, one.signature, nullptr, "fusedops"));
  }
  ~Pack() {
    while (!handles_.empty()) handles_.pop_back();
  }
  size_t num_kernels() const { return handles_.size(); }

 private:
  trainhost::testing::PluginUnderTest plugin_;
  std::vector<c10::RegistrationHandleRAII> handles_;
};

struct Autocast {
  Autocast() { set(true); }
  ~Autocast() { set(false); }
  static void set(bool is_on) {
    at::autocast::set_autocast_dtype(at::kCUDA, at::kBFloat16);
    at::autocast::set_autocast_enabled(at::kCUDA, is_on);
  }
};

double tolerance_of(at::ScalarType type) { return type == at::kFloat ? 5e-5 : type == at::kHalf ? 2e-3 : 1e-2; }

/// The largest difference over the largest value, or over 0.1 where all are smaller.
double distance(const at::Tensor& got, const at::Tensor& wanted) {
  return (got.to(at::kDouble) - wanted).abs().max().item<double>() / std::max(wanted.abs().max().item<double>(), 0.1);
}

at::Tensor leaf(const at::Tensor& values) { return values.detach().requires_grad_(true); }
at::Tensor doubled(const at::Tensor& values) { return leaf(values.detach().to(at::kDouble)); }

const std::vector<at::ScalarType> kFormats = {at::kFloat, at::kHalf, at::kBFloat16};
const auto kOnGpu = at::TensorOptions(at::kCUDA);

void compare_losses(const at::Tensor& logits, const at::Tensor& targets, int64_t reduction) {
  const at::Tensor reference = doubled(logits);
  const at::Tensor loss = at::cross_entropy_loss(logits, targets, {}, reduction, -1), wanted = at::cross_entropy_loss(reference, targets, {}, reduction, -1);
  BOOST_TEST((loss.scalar_type() == logits.scalar_type()));
  BOOST_TEST(distance(loss, wanted) < tolerance_of(logits.scalar_type()));
  const at::Tensor weights = reduction == at::Reduction::None ? at::randn(wanted.sizes(), kOnGpu.dtype(at::kDouble)) : at::randn({}, kOnGpu.dtype(at::kDouble));
  loss.backward(weights.to(loss.scalar_type()));
  wanted.backward(weights.to(loss.scalar_type()).to(at::kDouble));
  BOOST_TEST((logits.grad().scalar_type() == logits.scalar_type()));
  BOOST_TEST(distance(logits.grad(), reference.grad()) < tolerance_of(logits.scalar_type()));
}

at::Tensor some_targets(int64_t rows, int64_t classes) { return at::randint(-1, classes, {rows}, kOnGpu.dtype(at::kLong)); }

}  // namespace

BOOST_DATA_TEST_CASE(losses_and_gradients_are_those_of_float64, data::make({2, 10, 17, 1000, 50257}) * data::make({0, 1, 2}), classes, reduction) {
  const Pack pack;
  for (const at::ScalarType format : kFormats)
    for (const int64_t rows : {1, 7, 300}) {
      at::Tensor targets = some_targets(rows, classes);
      targets[0] = 0;  // one at least counts
      compare_losses(leaf(at::randn({rows, classes}, kOnGpu).mul_(5).to(format)), targets, reduction);
    }
}

BOOST_AUTO_TEST_CASE(rows_may_begin_anywhere) {
  const Pack pack;
  for (const at::ScalarType format : kFormats)
    for (int64_t offset = 0; offset < 9; ++offset) {
      const at::Tensor memory = at::randn({33 * 101 + offset}, kOnGpu).to(format);
      compare_losses(leaf(memory.slice(0, offset).view({33, 101})), some_targets(33, 101).clamp_min_(0), at::Reduction::Sum);
    }
}

BOOST_AUTO_TEST_CASE(large_and_masked_logits_overflow_nothing) {
  const Pack pack;
  at::Tensor logits = at::randn({64, 777}, kOnGpu).mul_(300);
  logits.slice(1, 100, 200).fill_(-std::numeric_limits<float>::infinity());
  const at::Tensor targets = at::randint(0, 100, {64}, kOnGpu.dtype(at::kLong));
  compare_losses(leaf(logits), targets, at::Reduction::Sum);
}

BOOST_AUTO_TEST_CASE(what_is_no_number_reaches_the_loss) {
  const Pack pack;
  for (const float odd : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    at::Tensor logits = at::randn({4, 5000}, kOnGpu);
    logits[2][4321] = odd;
    BOOST_TEST(at::cross_entropy_loss(logits, some_targets(4, 5000).clamp_min_(0), {}, at::Reduction::Sum, -1).isnan().item<bool>());
  }
}

BOOST_AUTO_TEST_CASE(under_autocast_losses_are_float32_and_logits_stay_as_they_are) {
  const Pack pack;
  const at::Tensor logits = leaf(at::randn({50, 300}, kOnGpu).to(at::kBFloat16)), targets = some_targets(50, 300), reference = doubled(logits);
  at::Tensor loss;
  {
    const Autocast autocast;
    loss = at::cross_entropy_loss(logits, targets, {}, at::Reduction::Sum, -1);
  }
  const at::Tensor wanted = at::cross_entropy_loss(reference, targets, {}, at::Reduction::Sum, -1);
  BOOST_TEST((loss.scalar_type() == at::kFloat));
  BOOST_TEST(distance(loss, wanted) < 1e-5);
  loss.backward();
  wanted.backward();
  BOOST_TEST(distance(logits.grad(), reference.grad()) < 4e-3);
}

BOOST_AUTO_TEST_CASE(what_no_kernel_takes_is_that_of_libtorch) {
  const at::Tensor logits = at::randn({20, 30}, kOnGpu), targets = at::randint(0, 30, {20}, kOnGpu.dtype(at::kLong)), input = at::randn({20, 7}, kOnGpu);
  const at::Tensor smooth = at::cross_entropy_loss(logits, targets, {}, at::Reduction::Mean, -100, 0.1), norm = at::layer_norm(input, {7});
  const Pack pack;
  BOOST_TEST(at::cross_entropy_loss(logits, targets, {}, at::Reduction::Mean, -100, 0.1).equal(smooth));
  BOOST_TEST(at::layer_norm(input, {7}).equal(norm));
}

BOOST_DATA_TEST_CASE(norms_and_gradients_are_those_of_float64, data::make({8, 40, 256, 768, 1024, 1280, 1600, 2048}) * data::make({0, 1, 2}), width, num_scales) {
  const Pack pack;
  for (const at::ScalarType format : {at::kFloat, at::kBFloat16})
    for (const int64_t rows : {1, 5, 4099}) {
      const at::Tensor input = leaf(at::randn({rows, width}, kOnGpu).mul_(3).add_(1.5).to(format)), reference = doubled(input);
      at::Tensor weight, bias, weight_reference, bias_reference;
      if (num_scales > 0) weight = leaf(at::randn({width}, kOnGpu)), weight_reference = doubled(weight);
      if (num_scales > 1) bias = leaf(at::randn({width}, kOnGpu)), bias_reference = doubled(bias);
      const at::Tensor out = at::layer_norm(input, {width}, weight, bias), wanted = at::layer_norm(reference, {width}, weight_reference, bias_reference);
      BOOST_TEST((out.scalar_type() == format));
      BOOST_TEST(distance(out, wanted) < tolerance_of(format));
      const at::Tensor gradient = at::randn(out.sizes(), kOnGpu).to(format);
      out.backward(gradient);
      wanted.backward(gradient.to(at::kDouble));
      BOOST_TEST(distance(input.grad(), reference.grad()) < tolerance_of(format));
      if (weight.defined()) BOOST_TEST(distance(weight.grad(), weight_reference.grad()) < tolerance_of(format));
      if (bias.defined()) BOOST_TEST(distance(bias.grad(), bias_reference.grad()) < tolerance_of(format));
    }
}

BOOST_AUTO_TEST_CASE(norms_of_tensors_that_begin_anywhere) {
  const Pack pack;
  const at::Tensor memory = at::randn({50 * 64 + 1}, kOnGpu), scales = at::randn({65}, kOnGpu);
  const at::Tensor input = leaf(memory.slice(0, 1).view({50, 64})), weight = leaf(scales.slice(0, 1)), reference = doubled(input), weight_reference = doubled(weight);
  const at::Tensor out = at::layer_norm(input, {64}, weight), wanted = at::layer_norm(reference, {64}, weight_reference);
  const at::Tensor gradient = at::randn({50 * 64 + 3}, kOnGpu).slice(0, 3).view({50, 64});
  out.backward(gradient);
  wanted.backward(gradient.to(at::kDouble));
  BOOST_TEST(distance(out, wanted) < 5e-5);
  BOOST_TEST(distance(input.grad(), reference.grad()) < 5e-5);
  BOOST_TEST(distance(weight.grad(), weight_reference.grad()) < 5e-5);
}

BOOST_AUTO_TEST_CASE(logits_that_are_part_of_a_wider_tensor) {
  const Pack pack;
  const at::Tensor wide = at::randn({30, 500}, kOnGpu), single = at::randn({100, 1}, kOnGpu).t();
  const at::Tensor logits = leaf(wide.narrow(1, 7, 300)), reference = doubled(logits), targets = some_targets(30, 300);
  const at::Tensor part = logits.narrow(1, 0, 299), loss = at::cross_entropy_loss(part, targets.clamp_max(298), {}, at::Reduction::Sum, -1);
  const at::Tensor wanted = at::cross_entropy_loss(reference.narrow(1, 0, 299), targets.clamp_max(298), {}, at::Reduction::Sum, -1);
  loss.backward();
  wanted.backward();
  BOOST_TEST(distance(loss, wanted) < 5e-5);
  BOOST_TEST(distance(logits.grad(), reference.grad()) < 5e-5);
  compare_losses(leaf(single), at::zeros({1}, kOnGpu.dtype(at::kLong)), at::Reduction::Mean);
}

BOOST_AUTO_TEST_CASE(under_autocast_a_norm_writes_what_the_next_product_reads) {
  const at::Tensor input = at::randn({9, 64}, kOnGpu);
  const auto format_with = [&](const char* config) {
    const Pack pack(config);
    const Autocast autocast;
    return at::layer_norm(input, {64}).scalar_type();
  };
  BOOST_TEST((format_with("{}") == at::kBFloat16));
  BOOST_TEST((format_with(R"({"layer_norm_float32": true})") == at::kFloat));
  BOOST_TEST((format_with(R"({"disable": ["layer_norm"]})") == at::kFloat));  // LibTorch's
}

BOOST_DATA_TEST_CASE(a_padded_product_is_that_of_libtorch_forward_and_backward, data::make({0, 1}) * data::make({0, 1, 2}), has_bias, what_follows) {
  const at::Tensor input = at::randn({3, 40, 1024}, kOnGpu), weight = at::randn({1500 + 3, 1024}, kOnGpu).mul_(0.03), bias = at::randn({1503}, kOnGpu);
  const at::Tensor targets = some_targets(120, 1503);
  const auto gradients_with = [&](bool is_packed, at::ScalarType format) {
    const std::optional<Pack> pack = is_packed ? std::make_optional<Pack>() : std::nullopt;
    const at::Tensor x = leaf(input.to(format)), w = leaf(weight.to(format)), b = leaf(bias.to(format));
    at::Tensor loss;
    {
      const std::optional<Autocast> autocast = format == at::kFloat ? std::make_optional<Autocast>() : std::nullopt;
      const at::Tensor out = at::linear(x, w, has_bias ? std::optional(b) : std::nullopt);
      BOOST_TEST((out.sizes() == at::IntArrayRef({3, 40, 1503})));
      if (what_follows == 0) loss = at::cross_entropy_loss(out.flatten(0, 1), targets, {}, at::Reduction::Sum, -1);
      if (what_follows == 1) loss = out.square().sum();
      if (what_follows == 2) loss = out.narrow(2, 5, 100).sum() + out.transpose(1, 2).contiguous().abs().sum();
    }
    loss.backward();
    return std::vector<at::Tensor>{loss, x.grad(), w.grad(), has_bias ? b.grad() : at::Tensor()};
  };
  const std::vector<at::Tensor> got = gradients_with(true, at::kFloat), autocast = gradients_with(false, at::kFloat), wanted = gradients_with(false, at::kDouble);
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (!wanted[i].defined()) continue;
    BOOST_TEST((got[i].scalar_type() == autocast[i].scalar_type()));
    BOOST_TEST(distance(got[i], wanted[i]) < 2 * distance(autocast[i], wanted[i]) + 1e-3);
  }
}

BOOST_AUTO_TEST_CASE(each_name_turns_its_kernels_off) {
  BOOST_TEST(Pack().num_kernels() == 5u);
  BOOST_TEST(Pack(R"({"disable": ["layer_norm"]})").num_kernels() == 3u);
  BOOST_TEST(Pack(R"({"disable": ["layer_norm", "cross_entropy", "linear"]})").num_kernels() == 0u);
  BOOST_CHECK_EXCEPTION(Pack(R"({"disable": ["layernorm"]})"), std::exception, [](const std::exception& e) { return std::string(e.what()).find("\"layernorm\"") != std::string::npos; });
}

BOOST_AUTO_TEST_SUITE_END()
