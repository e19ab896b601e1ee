// Blocks that are computed again in the backward pass (trainhost/torch/recompute.h), against the same blocks without.
#include <trainhost/torch/recompute.h>

#include <boost/test/unit_test.hpp>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <ATen/record_function.h>

using namespace trainhost;

namespace {

constexpr int64_t kWidth = 8;
constexpr int kBlocks = 6;

// Inputs: x, weight, bias. The weight is used twice, so that its gradient is a sum.
t2::Tensors block(const t2::Tensors& in) {
  const at::Tensor y = at::linear(at::layer_norm(in[0], {kWidth}), in[1], in[2]);
  return {in[0].add(at::dropout(at::linear(at::gelu(y), in[1]).to(at::kFloat), 0.2, /*train=*/true)), y.detach().argmax(-1)};
}

struct Network {
  std::vector<at::Tensor> weights, biases;
  at::Tensor x;

  explicit Network(bool is_input_trained = true) {
    at::manual_seed(3);
    for (int i = 0; i < kBlocks; ++i) {
      weights.push_back(at::randn({kWidth, kWidth}).requires_grad_(i != 1));  // one is frozen
      biases.push_back(at::randn({kWidth}).requires_grad_(true));
    }
    x = at::randn({5, kWidth}).requires_grad_(is_input_trained);
  }

  at::Tensor loss(bool recomputes) const {
    at::manual_seed(4);
    at::Tensor h = x;
    for (size_t i = 0; i < weights.size(); ++i) {
      const t2::Tensors in = {h, weights[i], biases[i]};
      h = (recomputes ? t2::recomputed(block, in) : block(in))[0];
    }
    return h.square().sum();
  }

  t2::Tensors gradients() {
    t2::Tensors out;
    for (auto* list : {&weights, &biases})
      for (at::Tensor& one : *list) out.push_back(one.grad());
    out.push_back(x.grad());
    return out;
  }
};

void require_same(const t2::Tensors& a, const t2::Tensors& b) {
  BOOST_REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    BOOST_REQUIRE(a[i].defined() == b[i].defined());
    if (a[i].defined()) BOOST_TEST(a[i].equal(b[i]), "tensor " << i << " is off by " << a[i].sub(b[i]).abs().max().item<double>());
  }
}

std::string complaint(const std::function<void()>& body) {
  try {
    body();
  } catch (const c10::Error& error) {
    return error.what_without_backtrace();
  }
  return "";
}

// Memory that this thread takes, as LibTorch's allocator reports it.
struct Meter final : c10::MemoryReportingInfoBase {
  int64_t held = 0, most = 0;
  void reportMemoryUsage(void*, int64_t bytes, size_t, size_t, c10::Device) override { most = std::max(most, held += bytes); }
  bool memoryProfilingEnabled() const override { return true; }
};

struct Usage {
  int64_t after_forward, most;
};

Usage usage(bool recomputes) {
  const auto meter = std::make_shared<Meter>();
  const Network network;
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, meter);
  at::Tensor loss = network.loss(recomputes);
  const int64_t after_forward = meter->held;
  loss.backward();
  return {after_forward, meter->most};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(recompute_test)

BOOST_AUTO_TEST_CASE(losses_and_gradients_have_the_same_bits_with_dropout_and_a_frozen_weight) {
  for (const bool is_input_trained : {true, false}) {
    Network kept(is_input_trained), again(is_input_trained);
    at::Tensor kept_loss = kept.loss(false), again_loss = again.loss(true);
    BOOST_TEST(kept_loss.item<float>() == again_loss.item<float>());
    kept_loss.backward();
    again_loss.backward();
    require_same(again.gradients(), kept.gradients());
  }
}

BOOST_AUTO_TEST_CASE(under_autocast_too) {
  Network kept, again;
  t2::Tensors losses;
  for (const bool recomputes : {false, true}) {
    at::autocast::set_autocast_enabled(at::kCPU, true);
    at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
    losses.push_back((recomputes ? again : kept).loss(recomputes));
    at::autocast::set_autocast_enabled(at::kCPU, false);
    at::autocast::clear_cache();
  }
  for (at::Tensor& loss : losses) loss.backward();
  BOOST_TEST(losses[0].item<float>() == losses[1].item<float>());
  require_same(again.gradients(), kept.gradients());
  BOOST_TEST(!at::autocast::is_autocast_enabled(at::kCPU));
}

BOOST_AUTO_TEST_CASE(only_what_goes_into_blocks_is_kept) {
  const Usage kept = usage(false), again = usage(true);
  BOOST_TEST_MESSAGE("after forward " << kept.after_forward << " and " << again.after_forward << " bytes, at most " << kept.most << " and " << again.most);
  // Of each block one activation stays instead of ten, beside the states of the generator, 5 kB each.
  constexpr int64_t kGenerator = 5056 + 64;
  BOOST_TEST(3 * (again.after_forward - kBlocks * kGenerator) < kept.after_forward);
  BOOST_TEST(again.most - (kBlocks + 1) * kGenerator < kept.most);  // one more while a block is computed again
}

BOOST_AUTO_TEST_CASE(the_generator_goes_on_where_it_was) {
  Network network;
  at::Tensor loss = network.loss(true);
  const at::Tensor state = at::globalContext().defaultGenerator(at::kCPU).get_state();
  loss.backward();
  BOOST_TEST(state.equal(at::globalContext().defaultGenerator(at::kCPU).get_state()));
}

BOOST_AUTO_TEST_CASE(a_graph_that_is_kept_gives_its_gradients_again) {
  Network network;
  const at::Tensor loss = network.loss(true);
  loss.backward({}, /*retain_graph=*/true);
  t2::Tensors once;
  for (const at::Tensor& gradient : network.gradients()) once.push_back(gradient.defined() ? gradient.clone() : gradient);
  for (auto* list : {&network.weights, &network.biases})
    for (at::Tensor& one : *list) one.mutable_grad().reset();
  network.x.mutable_grad().reset();
  loss.backward();
  require_same(network.gradients(), once);
  BOOST_TEST(complaint([&] { loss.backward(); }).find("second time") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(without_gradients_the_block_is_simply_called) {
  int calls = 0;
  const t2::Block counted = [&](const t2::Tensors& in) { return ++calls, t2::Tensors{in[0].mul(2)}; };
  {
    const at::NoGradGuard no_gradients;
    BOOST_TEST(!t2::recomputed(counted, {at::ones({2}).requires_grad_(true)})[0].requires_grad());
  }
  BOOST_TEST(!t2::recomputed(counted, {at::ones({2})})[0].requires_grad());
  BOOST_TEST(calls == 2);
  t2::recomputed(counted, {at::ones({2}).requires_grad_(true)})[0].sum().backward();
  BOOST_TEST(calls == 4);
}

BOOST_AUTO_TEST_CASE(inputs_may_be_missing_and_outputs_unused_or_passed_through) {
  const t2::Block block_of_three = [](const t2::Tensors& in) { return t2::Tensors{in[0], in[1].defined() ? in[1] : in[0].mul(3), in[0].exp(), in[2].add(1)}; };
  at::Tensor x = at::ones({2}).requires_grad_(true), unused = at::ones({2}).requires_grad_(true);
  const t2::Tensors out = t2::recomputed(block_of_three, {x, {}, at::ones({2}, at::kLong), unused});
  BOOST_TEST(!out[3].requires_grad());
  out[0].add(out[1]).sum().backward();
  BOOST_TEST(x.grad().equal(at::ones({2}).mul(4)));
  BOOST_TEST(!unused.grad().defined());
}

// ---- what would go wrong without a word

BOOST_AUTO_TEST_CASE(a_parameter_that_is_no_input_is_refused) {
  const at::Tensor hidden = at::ones({2}).requires_grad_(true), x = at::ones({2}).requires_grad_(true);
  BOOST_TEST(complaint([&] { t2::recomputed([&](const t2::Tensors& in) { return t2::Tensors{in[0].mul(hidden)}; }, {x}); }).find("pass every parameter as an input") !=
             std::string::npos);
  BOOST_TEST(complaint([&] { t2::recomputed([made = hidden.mul(2)](const t2::Tensors& in) { return t2::Tensors{in[0].mul(made)}; }, {x}); }).find("pass every") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_input_that_changed_meanwhile_is_refused) {
  const at::Tensor x = at::ones({2}).requires_grad_(true).mul(1);
  const at::Tensor y = t2::recomputed([](const t2::Tensors& in) { return t2::Tensors{in[0].exp()}; }, {x})[0];
  x.mul_(2);
  BOOST_TEST(complaint([&] { y.sum().backward(); }).find("modified by an inplace operation") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(gradients_of_gradients_are_refused) {
  const at::Tensor x = at::ones({2}).requires_grad_(true);
  const at::Tensor y = t2::recomputed([](const t2::Tensors& in) { return t2::Tensors{in[0].exp()}; }, {x})[0];
  BOOST_TEST(complaint([&] { y.sum().backward({}, std::nullopt, /*create_graph=*/true); }).find("no gradients of gradients") != std::string::npos);
}

// The loop retries with smaller pieces after it.
BOOST_AUTO_TEST_CASE(running_out_of_memory_in_the_backward_pass_keeps_its_type) {
  int calls = 0;
  const at::Tensor x = at::ones({2}).requires_grad_(true);
  const t2::Tensors out = t2::recomputed(
      [&](const t2::Tensors& in) {
        TORCH_CHECK_WITH(OutOfMemoryError, ++calls < 2, "made to run out");
        return t2::Tensors{in[0].exp()};
      },
      {x});
  BOOST_CHECK_THROW(out[0].sum().backward(), c10::OutOfMemoryError);
  BOOST_TEST(at::rand({1}).defined());  // the generator's lock is free
}

BOOST_AUTO_TEST_SUITE_END()
