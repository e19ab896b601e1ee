// Random numbers, bytes, generators, and the watch on operators.
#include "conformance/torch/torch_subject.h"

#include "conformance/torch/torch_questions.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/record_function.h>

#if TRAINHOST_CUDA
#include <c10/cuda/CUDAFunctions.h>
#endif

#include <algorithm>
#include <memory>
#include <mutex>

namespace trainhost::conformance {
namespace {

// On a GPU these wait whatever calls them: what they return has a size that depends on values.
constexpr std::string_view kAlwaysWait[] = {"aten::nonzero",    "aten::masked_select",      "aten::_unique2",
                                            "aten::unique_dim", "aten::unique_consecutive", "aten::bincount"};
// These hand a value to the host. Called by an operator of LibTorch they say nothing: the CPU's kernel may read what a GPU's does not.
constexpr std::string_view kWaitWhenCalled[] = {"aten::item", "aten::_local_scalar_dense", "aten::is_nonzero", "aten::equal", "aten::allclose"};

template <std::size_t kSize>
bool is_one_of(std::string_view name, const std::string_view (&names)[kSize]) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

// The callbacks are plain functions, so what they see lies beside them.
struct Seen {
  int depth = 0;
  std::vector<std::string> waits;
};
thread_local Seen seen_operators;

std::unique_ptr<at::ObserverContext> begin_operator(const at::RecordFunction& call) {
  const std::string_view name = call.name();
  const bool is_outermost = seen_operators.depth++ == 0;
  if (is_one_of(name, kAlwaysWait) || (is_outermost && is_one_of(name, kWaitWhenCalled))) seen_operators.waits.emplace_back(name);
  return nullptr;
}
void end_operator(const at::RecordFunction&, at::ObserverContext*) { --seen_operators.depth; }

#if TRAINHOST_CUDA
void forbid_waits(bool is_forbidden) {
  c10::cuda::warning_state().set_sync_debug_mode(is_forbidden ? c10::cuda::SyncDebugMode::L_ERROR : c10::cuda::SyncDebugMode::L_DISABLED);
}
#else
void forbid_waits(bool) {}
#endif

std::vector<at::Device> devices_with(at::Device device) { return device.is_cpu() ? std::vector{device} : std::vector{at::Device(at::kCPU), device}; }

}  // namespace

void use_one_thread() { at::set_num_threads(1); }

at::Device device_of(const Subject& subject) { return at::Device(subject.device); }

std::string first_line(std::string_view text) { return std::string(text.substr(0, text.find('\n'))); }

at::Tensor normal_numbers(at::IntArrayRef sizes, std::mt19937_64& random) {
  const at::Tensor out = at::empty(sizes, at::kDouble);
  std::normal_distribution<double> normal;
  std::generate_n(out.mutable_data_ptr<double>(), out.numel(), [&] { return normal(random); });
  return out;
}

double number_of(const at::Tensor& scalar) { return scalar.detach().to(at::kCPU, at::kDouble).item<double>(); }

std::string bytes_of(const at::Tensor& tensor) {
  if (!tensor.defined()) return "undefined";
  const at::Tensor flat = tensor.detach().to(at::kCPU).contiguous();
  return std::string(static_cast<const char*>(flat.const_data_ptr()), flat.nbytes());
}

Bytes bytes_of(std::span<const t2::NamedTensor> tensors) {
  Bytes out;
  for (const t2::NamedTensor& one : tensors) out.emplace_back(one.name, bytes_of(one.tensor));
  return out;
}

std::string first_difference(const Bytes& before, const Bytes& after) {
  for (std::size_t i = 0; i < std::max(before.size(), after.size()); ++i)
    if (i >= before.size() || i >= after.size() || before[i] != after[i]) return (i < before.size() ? before : after)[i].first;
  return {};
}

std::vector<at::Tensor> random_states(at::Device device) {
  std::vector<at::Tensor> states;
  for (const at::Device one : devices_with(device)) {
    at::Generator generator = at::globalContext().defaultGenerator(one);
    const std::lock_guard lock(generator.mutex());
    states.push_back(generator.get_state());
  }
  return states;
}

void set_random_states(at::Device device, const std::vector<at::Tensor>& states) {
  const auto devices = devices_with(device);
  for (std::size_t i = 0; i < devices.size(); ++i) {
    at::Generator generator = at::globalContext().defaultGenerator(devices[i]);
    const std::lock_guard lock(generator.mutex());
    generator.set_state(states.at(i));
  }
}

void seed_generators(at::Device device, std::uint64_t seed) {
  for (const at::Device one : devices_with(device)) {
    at::Generator generator = at::globalContext().defaultGenerator(one);
    const std::lock_guard lock(generator.mutex());
    generator.set_current_seed(seed);
  }
}

WaitWatch::WaitWatch(at::Device device) : device_(device) {
  seen_operators = {};
  handle_ = at::addThreadLocalCallback(at::RecordFunctionCallback(&begin_operator, &end_operator).scopes({at::RecordScope::FUNCTION}));
  if (device_.is_cuda()) forbid_waits(true);
}

WaitWatch::~WaitWatch() {
  if (device_.is_cuda()) forbid_waits(false);
  at::removeCallback(handle_);
}

const std::vector<std::string>& WaitWatch::seen() const { return seen_operators.waits; }

}  // namespace trainhost::conformance
