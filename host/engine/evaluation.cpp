// Means and standard errors of an evaluation.
#include "engine/evaluation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include <ATen/ops/stack.h>

#include "base/error.h"

namespace trainhost {
namespace {

std::vector<double> column(const at::Tensor& rows, int64_t index) {
  const at::Tensor values = rows.select(1, index).contiguous();
  return {values.data_ptr<double>(), values.data_ptr<double>() + values.numel()};
}

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

}  // namespace

at::Tensor sums_of(const t2::Output& output) {
  std::vector<at::Tensor> sums = {output.loss_sum, output.count};
  for (const t2::NamedTensor& metric : output.metric_sums) sums.push_back(metric.tensor);
  for (at::Tensor& value : sums) {
    if (!value.defined() || value.dim() != 0)
      throw Error(ExitCode::kPlugin, "model: forward returned a loss sum, count or metric that is no 0-dim tensor; return sums over the micro-batch");
    value = value.detach().to(at::kDouble);
  }
  return at::stack(sums);
}

double ratio_standard_error(const std::vector<double>& y, const std::vector<double>& x) {
  const double n = static_cast<double>(y.size()), total = sum(x), ratio = sum(y) / total;
  if (y.size() < 2) return std::numeric_limits<double>::quiet_NaN();
  double squares = 0;
  for (size_t i = 0; i < y.size(); ++i) squares += (y[i] - ratio * x[i]) * (y[i] - ratio * x[i]);
  return std::sqrt(n / (n - 1) * squares) / total;
}

void Evaluation::add(at::Tensor sums, uint64_t num_samples) {
  batches_.push_back(std::move(sums));
  num_samples_ += num_samples;
}

EvaluationResult Evaluation::finish(const std::vector<std::string>& metric_names) const {
  if (batches_.empty()) throw Error(ExitCode::kData, "evaluation: no batch was given; the evaluation set is empty");
  const at::Tensor rows = at::stack(batches_).cpu();
  const std::vector<double> counts = column(rows, 1);
  EvaluationResult result;
  result.samples = num_samples_;
  result.targets = static_cast<uint64_t>(std::llround(sum(counts)));
  const auto add_metric = [&](const std::string& name, int64_t index) {
    const std::vector<double> values = column(rows, index);
    result.metrics.push_back({name, sum(values) / sum(counts), ratio_standard_error(values, counts)});
  };
  add_metric("loss", 0);
  for (size_t i = 0; i < metric_names.size(); ++i) add_metric(metric_names[i], static_cast<int64_t>(i) + 2);
  return result;
}

void add_language_metrics(const std::vector<FieldSpec>& fields, EvaluationResult& result) {
  const EvaluationResult::Metric loss = result.metrics.front();
  const double perplexity = std::exp(loss.value);
  const bool is_bytes = std::any_of(fields.begin(), fields.end(), [](const FieldSpec& field) { return field.role == TRAINHOST_FIELD_TARGET && field.dtype.bits == 8 && field.num_classes == 256; });
  std::vector<EvaluationResult::Metric> derived{{"perplexity", perplexity, perplexity * loss.standard_error}};  // the error to first order
  if (is_bytes) derived.push_back({"bits_per_byte", loss.value / std::numbers::ln2, loss.standard_error / std::numbers::ln2});
  result.metrics.insert(result.metrics.begin() + 1, derived.begin(), derived.end());
}

}  // namespace trainhost
