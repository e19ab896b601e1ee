// The functions themselves, in a file of their own so that no caller can see into them.
#include "idle_torch.h"

namespace trainhost::idle {

t2::Output forward(const t2::Output& ready) { return ready; }
void step(const t2::StepInputs&) {}
at::Tensor relu(const at::Tensor& self) { return self; }

}  // namespace trainhost::idle
