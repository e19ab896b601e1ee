// LibTorch's graphs, made good again when a recording fails: LibTorch itself then leaves its allocators and its generator in the middle of it.
#include "engine/graph_cuda.h"

#include <atomic>
#include <exception>

#include <ATen/core/CachingHostAllocator.h>
#include <ATen/cuda/CUDAGeneratorImpl.h>
#include <ATen/cuda/CUDAGraph.h>
#include <ATen/record_function.h>
#include <c10/cuda/CUDACachingAllocator.h>

#include "base/error.h"

namespace trainhost {
namespace {

class GraphRecording final : public Recording {
 public:
  at::cuda::CUDAGraph graph;
  void replay() override { graph.replay(); }
};

/// Keeps the name of the operator that was called last, by this thread or by the backward pass that it waits for. One at a time.
class LastOperator {
 public:
  LastOperator() : handle_(at::addThreadLocalCallback(at::RecordFunctionCallback(&note).scopes({at::RecordScope::FUNCTION}))) { name_ = nullptr; }
  ~LastOperator() { at::removeCallback(handle_); }
  LastOperator(const LastOperator&) = delete;
  LastOperator& operator=(const LastOperator&) = delete;
  std::string text() const {
    const char* name = name_;
    return name ? name : "the first operator";
  }

 private:
  static std::unique_ptr<at::ObserverContext> note(const at::RecordFunction& function) {
    name_ = function.name();
    return nullptr;
  }
  static inline std::atomic<const char*> name_ = nullptr;
  at::CallbackHandle handle_;
};

template <class Call>
void ignore_failure(const Call& call) {
  try {
    call();
  } catch (const std::exception&) {  // it was not begun
  }
}

/// A generator that a failed recording has left in the middle of it counts for ever with the graph: a new state takes over at the same place.
void renew_generator(c10::DeviceIndex device, uint64_t seed, uint64_t offset) {
  const at::Generator& generator = at::cuda::detail::getDefaultCUDAGenerator(device);
  const auto state = c10::make_intrusive<at::CUDAGeneratorState>(seed, offset);
  at::check_generator<at::CUDAGeneratorImpl>(generator)->graphsafe_set_state(c10::make_intrusive<at::CUDAGeneratorImpl>(device, state));
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

std::unique_ptr<Recording> record_graph(c10::DeviceIndex device, const std::function<void()>& work) {
  static const c10::MempoolId_t pool = at::cuda::graph_pool_handle();  // one for all: recordings are replayed in the order in which they were made
  const auto* generator = at::check_generator<at::CUDAGeneratorImpl>(at::cuda::detail::getDefaultCUDAGenerator(device));
  const uint64_t seed = generator->current_seed(), offset = generator->philox_offset_per_thread();
  auto recording = std::make_unique<GraphRecording>();
  std::string problem;
  const LastOperator last;
  recording->graph.register_generator_state(at::cuda::detail::getDefaultCUDAGenerator(device));
  // Other threads go on to upload batches meanwhile.
  recording->graph.capture_begin(pool, cudaStreamCaptureModeThreadLocal);
  try {
    work();
  } catch (const std::exception& failure) {
    problem = format("{} cannot be recorded: {}", last.text(), first_line(failure.what()));
  }
  try {
    recording->graph.capture_end();
  } catch (const std::exception& failure) {
    if (problem.empty()) problem = format("{} cannot be recorded: {}", last.text(), first_line(failure.what()));
    ignore_failure([&] { c10::cuda::CUDACachingAllocator::endAllocateToPool(device, pool); });
    ignore_failure([&] { c10::cuda::CUDACachingAllocator::releasePool(device, pool); });
    ignore_failure([&] { at::getHostAllocator(at::kCUDA)->end_allocate_to_pool(pool); });
  }
  if (problem.empty()) return recording;
  recording.reset();
  (void)cudaGetLastError();
  renew_generator(device, seed, offset);
  throw Error(ExitCode::kFailure, problem);
}

}  // namespace trainhost
