// Metrics of classifiers, for models in C++: sums over the targets that count, as Output wants them, without a wait for the device.
#pragma once

#include <ATen/ops/arange.h>
#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "trainhost/torch/types.h"

namespace trainhost::t2 {

// logits: [targets, classes]; classes and is_counted (bool): [targets]. Each function appends to `sums`.

// "accuracy": the target has the largest logit. Of equal ones the first counts.
inline void add_accuracy(std::vector<NamedTensor>& sums, const at::Tensor& logits, const at::Tensor& classes, const at::Tensor& is_counted) {
  sums.push_back({"accuracy", logits.detach().argmax(1).eq(classes).logical_and_(is_counted).sum()});
}

// "top5_accuracy": the target has one of the five largest logits.
inline void add_top5(std::vector<NamedTensor>& sums, const at::Tensor& logits, const at::Tensor& classes, const at::Tensor& is_counted) {
  const at::Tensor best = std::get<1>(logits.detach().topk(5, 1));
  sums.push_back({"top5_accuracy", best.eq(classes.unsqueeze(1)).any(1).logical_and_(is_counted).sum()});
}

// "confusion_T_P" for each pair: targets of class T for which class P has the largest logit.
inline void add_confusion(std::vector<NamedTensor>& sums, const at::Tensor& logits, const at::Tensor& classes, const at::Tensor& is_counted) {
  const at::Tensor all = at::arange(logits.size(1), classes.options());
  const auto one_hot = [&](const at::Tensor& of) { return of.unsqueeze(1).eq(all); };
  // In float64, which autocast leaves alone and which counts exactly.
  const at::Tensor is_true = one_hot(classes).logical_and_(is_counted.unsqueeze(1)).to(at::kDouble), is_predicted = one_hot(logits.detach().argmax(1)).to(at::kDouble);
  const at::Tensor table = is_true.t().matmul(is_predicted);
  for (int64_t t = 0; t < table.size(0); ++t)
    for (int64_t p = 0; p < table.size(1); ++p) sums.push_back({"confusion_" + std::to_string(t) + "_" + std::to_string(p), table.select(0, t).select(0, p)});
}

}  // namespace trainhost::t2
