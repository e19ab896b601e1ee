// Continues a text token by token.
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include <trainhost/torch/text_model.h>

namespace trainhost {

struct SamplingOptions {
  uint64_t count = 0;      // tokens to draw
  double temperature = 1;  // 0: always the likeliest token
  uint64_t top_k = 0;      // only the k likeliest; 0: all
  uint64_t seed = 0;
};

/// Draws from a generator of its own, so that nothing else is disturbed. Throws Error(kConfig) for an empty prompt or a negative temperature.
void sample_tokens(t2::TextModel& model, at::Device device, std::vector<int64_t> prompt, const SamplingOptions& options,
                   const std::function<bool(int64_t)>& on_token);

}  // namespace trainhost
