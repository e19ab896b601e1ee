// An op pack that brings an operator of its own and replaces none: what an exported model with such an operator needs.
#include <ATen/ops/gelu.h>
#include <torch/library.h>

#include <trainhost/torch/op_pack.h>
#include <trainhost/plugin.hpp>

namespace {

class OwnOperators final : public trainhost::t2::OpPack {
 public:
  std::span<const trainhost::t2::OpReplacement> replacements() override { return {}; }
};

at::Tensor gelu(const at::Tensor& self, c10::string_view approximate) { return at::gelu(self, approximate); }

}  // namespace

TORCH_LIBRARY(my_ops, library) { library.def("gelu(Tensor self, *, str approximate='none') -> Tensor", &gelu); }

TRAINHOST_PLUGIN(OwnOperators, {.kind = "op_pack", .name = "own_operators", .version = "1.0.0", .summary = "the operator my_ops::gelu"})
