// Snapshots of tensors, and their way back.
#include "engine/state.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string_view>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include "base/error.h"
#include "engine/torch_types.h"

namespace trainhost {
namespace {

std::string shape_text(at::IntArrayRef shape) {
  std::string out = "[";
  for (size_t i = 0; i < shape.size(); ++i) out += format("{}{}", i ? ", " : "", shape[i]);
  return out + "]";
}

Error differs(const std::string& part, const std::string& name, const std::string& got, const std::string& wanted) {
  return Error(ExitCode::kCheckpointUnreadable, format("checkpoint, {}: {}: got {}, wanted {}; nothing was loaded, resume with the model and plugins that "
                                                       "made the checkpoint",
                                                       part, name, got, wanted));
}

std::string kind_text(at::IntArrayRef shape, const std::string& dtype) { return format("{} {}", dtype, shape_text(shape)); }

}  // namespace

TensorView HostCopies::add(const std::string& name, const at::Tensor& tensor) {
  at::Tensor source = tensor.detach().contiguous();
  if (!source.is_cpu()) {
    at::Tensor copy = device_.host_tensor(source.sizes(), source.scalar_type());
    copy.copy_(source, /*non_blocking=*/true);
    source = copy;
  }
  kept_.push_back(source);
  return {name, safetensors_name(source.scalar_type()), source.sizes().vec(), static_cast<const std::byte*>(source.const_data_ptr()), source.nbytes()};
}

void check_same_tensors(const std::string& part, std::span<const TensorView> views, std::span<const t2::NamedTensor> wanted) {
  std::map<std::string_view, const TensorView*> by_name;
  for (const TensorView& view : views)
    if (!by_name.emplace(view.name, &view).second) throw differs(part, view.name, "it twice", "it once");
  for (const t2::NamedTensor& tensor : wanted) {
    const std::string own = kind_text(tensor.tensor.sizes(), safetensors_name(tensor.tensor.scalar_type()));
    const auto found = by_name.find(tensor.name);
    if (found == by_name.end()) throw differs(part, tensor.name, "no such tensor", own);
    const TensorView& view = *found->second;
    const std::string saved = kind_text(view.shape, view.dtype);
    if (saved != own) throw differs(part, tensor.name, saved, own);
    if (view.bytes != tensor.tensor.nbytes()) throw differs(part, tensor.name, format("{} bytes", view.bytes), format("{} bytes", tensor.tensor.nbytes()));
    by_name.erase(found);
  }
  if (!by_name.empty()) throw differs(part, std::string(by_name.begin()->first), "a tensor that this run does not have", "none of this name");
}

void initialise_tensors(std::span<const InitialTensor> values, std::span<const t2::NamedTensor> tensors) {
  const at::NoGradGuard no_gradients;
  for (const InitialTensor& value : values) {
    const auto found = std::find_if(tensors.begin(), tensors.end(), [&](const t2::NamedTensor& one) { return one.name == value.name; });
    if (found == tensors.end()) throw Error(ExitCode::kFailure, format("engine: an initial value for \"{}\", which the model does not have", value.name));
    at::Tensor target = found->tensor, read = at::empty(value.value.shape, scalar_type_named(value.value.dtype));
    if (read.nbytes() != value.value.bytes) throw Error(ExitCode::kFailure, format("engine: an initial value for \"{}\" of {} bytes, wanted {}", value.name, value.value.bytes, read.nbytes()));
    if (value.value.bytes > 0) std::memcpy(read.mutable_data_ptr(), value.value.data, value.value.bytes);  // a file need not align its tensors
    if (value.is_transposed) read = read.t();
    if (read.sizes() != target.sizes())
      throw Error(ExitCode::kFailure, format("engine: an initial value for \"{}\" of shape {}, wanted {}", value.name, shape_text(read.sizes()), shape_text(target.sizes())));
    target.copy_(read);
  }
}

void copy_into(std::span<const TensorView> views, std::span<const t2::NamedTensor> tensors) {
  const at::NoGradGuard no_gradients;
  std::map<std::string_view, const TensorView*> by_name;
  for (const TensorView& view : views) by_name.emplace(view.name, &view);
  for (const t2::NamedTensor& tensor : tensors) {
    const TensorView& view = *by_name.at(tensor.name);
    // from_blob wants a pointer that may be written; copy_ only reads.
    at::Tensor target = tensor.tensor;
    target.copy_(at::from_blob(const_cast<std::byte*>(view.data), view.shape, at::TensorOptions(target.scalar_type())), /*non_blocking=*/true);
  }
}

}  // namespace trainhost
