// Tensors to named bytes and back.
#pragma once
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include <trainhost/torch/types.h>

#include "base/tensor_view.h"
#include "engine/device.h"
#include "engine/engine.h"

namespace trainhost {

/// Host copies of tensors for a checkpoint. On the CPU they are the tensors themselves.
class HostCopies {
 public:
  explicit HostCopies(Device& device) : device_(device) {}
  /// Starts the copy; the bytes are there after the device has come past a mark that is set later.
  TensorView add(const std::string& name, const at::Tensor& tensor);
  void clear() { kept_.clear(); }

 private:
  Device& device_;
  std::vector<at::Tensor> kept_;
};

/// Throws Error(kCheckpointUnreadable) that names the first difference in name, shape or format between `views` and `wanted`. `part` is for the message.
void check_same_tensors(const std::string& part, std::span<const TensorView> views, std::span<const t2::NamedTensor> wanted);
/// Sets the tensors that `values` name; real numbers are cast. Throws Error(kFailure) for a name, shape or format that does not fit.
void initialise_tensors(std::span<const InitialTensor> values, std::span<const t2::NamedTensor> tensors);
/// Copies bytes into the tensors of the same names; both were checked before. The bytes must stay until the device has come past a mark that is set later.
void copy_into(std::span<const TensorView> views, std::span<const t2::NamedTensor> tensors);

}  // namespace trainhost
