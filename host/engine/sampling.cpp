// Temperature and top-k sampling on the CPU.
#include "engine/sampling.h"

#include <limits>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/multinomial.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>

#include "base/error.h"

namespace trainhost {
namespace {

int64_t draw(const at::Tensor& logits, const SamplingOptions& options, at::Generator generator) {
  if (options.temperature == 0) return logits.argmax().item<int64_t>();
  at::Tensor scaled = logits.div(options.temperature);
  if (options.top_k > 0 && static_cast<int64_t>(options.top_k) < scaled.numel()) {
    const at::Tensor smallest = std::get<0>(scaled.topk(static_cast<int64_t>(options.top_k))).min();
    scaled = scaled.masked_fill(scaled.lt(smallest), -std::numeric_limits<double>::infinity());
  }
  return at::multinomial(at::softmax(scaled, 0), 1, /*replacement=*/false, generator).item<int64_t>();
}

}  // namespace

void sample_tokens(t2::TextModel& model, at::Device device, std::vector<int64_t> prompt, const SamplingOptions& options,
                   const std::function<bool(int64_t)>& on_token) {
  if (prompt.empty()) throw Error(ExitCode::kConfig, "sample: the prompt has no tokens; give at least one character");
  if (!(options.temperature >= 0)) throw Error(ExitCode::kConfig, format("sample: temperature must be at least 0, got {}", options.temperature));
  const at::NoGradGuard no_gradients;
  const at::Generator generator = at::detail::createCPUGenerator(options.seed);
  for (uint64_t i = 0; i < options.count; ++i) {
    const at::Tensor tokens = at::tensor(prompt, at::TensorOptions(at::kLong)).to(device).unsqueeze(0);
    const int64_t token = draw(model.next_logits(tokens).select(0, 0).to(at::kCPU, at::kFloat), options, generator);
    if (!on_token(token)) return;
    prompt.push_back(token);
  }
}

}  // namespace trainhost
