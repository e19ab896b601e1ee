// One function of each T2 kind that does nothing: what a call costs by itself.
#pragma once

#include <trainhost/torch/op_pack.h>
#include <trainhost/torch/optimizer.h>

namespace trainhost::idle {

t2::Output forward(const t2::Output& ready);
void step(const t2::StepInputs& inputs);
at::Tensor relu(const at::Tensor& self);

}  // namespace trainhost::idle
