// Sums of an evaluation, batch by batch, and what follows from them.
#pragma once
#include <string>
#include <vector>

#include <trainhost/torch/types.h>

#include "engine/engine.h"

namespace trainhost {

/// The sums of one forward pass as one float64 tensor: loss sum, count, metric sums. Throws Error(kPlugin) when the output is not as the header says.
at::Tensor sums_of(const t2::Output& output);

class Evaluation {
 public:
  void add(at::Tensor sums, uint64_t num_samples);  // as from sums_of; no wait
  /// Mean over all targets of all batches, and its standard error. Waits for the device.
  EvaluationResult finish(const std::vector<std::string>& metric_names) const;

 private:
  std::vector<at::Tensor> batches_;
  uint64_t num_samples_ = 0;
};

/// Of a language model, whose loss is in nats a token: "perplexity", and where its targets are bytes "bits_per_byte".
void add_language_metrics(const std::vector<FieldSpec>& fields, EvaluationResult& result);

/// Standard error of the ratio sum(y) / sum(x) over n batches that count as independent: n / (n - 1) * sum((y - r x)^2) / sum(x)^2, its root.
/// Source: Cochran, Sampling Techniques, 3rd edition, 1977, section 2.11, without the finite-population factor. NaN with fewer than two batches.
double ratio_standard_error(const std::vector<double>& y, const std::vector<double>& x);

}  // namespace trainhost
