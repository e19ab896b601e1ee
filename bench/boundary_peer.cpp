// The loop of bench/boundary.toml written by hand on LibTorch: forward, backward, clip, fused AdamW; no plugins, no checkpoints, no log. Prints one JSON line
// with the microseconds of a step, for each block of the second half, and the processor time of a step. Usage: boundary_peer STEPS
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

namespace {

constexpr int64_t kSamples = 4096, kFeatures = 4, kClasses = 2, kWidth = 4, kBatch = 4;
constexpr int kBlocks = 40;  // the first half warms up
constexpr double kClip = 1.0, kClipEpsilon = 1e-6;

class Peer {
 public:
  Peer() {
    for (at::Tensor& weight : weights_) {
      weight.requires_grad_(true);
      averages_.push_back(at::zeros_like(weight));
      squares_.push_back(at::zeros_like(weight));
      steps_.push_back(at::zeros({}));
    }
  }

  void step(int64_t number) {
    const int64_t first = number * kBatch % kSamples;
    const at::Tensor x = x_.narrow(0, first, kBatch), y = y_.narrow(0, first, kBatch);
    const at::Tensor logits = at::linear(at::relu(at::linear(x, weights_[0], weights_[1])), weights_[2], weights_[3]);
    at::cross_entropy_loss(logits, y).backward();
    update();
  }

 private:
  void update() {
    const at::NoGradGuard no_gradients;
    std::vector<at::Tensor> values, gradients;
    for (at::Tensor& weight : weights_) values.push_back(weight.detach()), gradients.push_back(weight.grad());
    const at::Tensor norm = at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients, 2)), 2);
    at::_foreach_mul_(gradients, norm.add(kClipEpsilon).reciprocal_().mul_(kClip).clamp_max_(1.0));
    at::_foreach_add_(steps_, 1);
    at::_fused_adamw_(values, gradients, averages_, squares_, /*max_exp_avg_sqs=*/{}, steps_, /*lr=*/1e-3, 0.9, 0.999, 0.1, 1e-8, false, false);
    for (at::Tensor& weight : weights_) weight.mutable_grad().reset();
  }

  at::Tensor x_ = at::randn({kSamples, kFeatures}), y_ = at::randint(kClasses, {kSamples}, at::kLong);
  std::vector<at::Tensor> weights_{at::randn({kWidth, kFeatures}), at::zeros({kWidth}), at::randn({kClasses, kWidth}), at::zeros({kClasses})};
  std::vector<at::Tensor> averages_, squares_, steps_;
};

}  // namespace

double seconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

int main(int argc, char** argv) {
  const int64_t block = (argc > 1 ? std::atoll(argv[1]) : 20000) / kBlocks;
  at::set_num_threads(1);
  Peer peer;
  double cpu_start = 0;
  std::printf("{\"way\": \"hand-written\", \"us\": [");
  for (int64_t i = 0; i < kBlocks; ++i) {
    if (i == kBlocks / 2) cpu_start = seconds(CLOCK_THREAD_CPUTIME_ID);
    const double start = seconds(CLOCK_MONOTONIC);
    for (int64_t step = 0; step < block; ++step) peer.step(i * block + step);
    const double us = 1e6 * (seconds(CLOCK_MONOTONIC) - start) / static_cast<double>(block);
    if (i >= kBlocks / 2) std::printf("%s%.3f", i > kBlocks / 2 ? ", " : "", us);
  }
  const double cpu_us = 1e6 * (seconds(CLOCK_THREAD_CPUTIME_ID) - cpu_start) / static_cast<double>(block * (kBlocks / 2));
  std::printf("], \"cpu_us\": %.3f}\n", cpu_us);
  return 0;
}
