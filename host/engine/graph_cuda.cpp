// LibTorch's graphs, made good again when a recording fails: LibTorch itself then leaves its allocators and its generator in the middle of it.
#include "engine/graph_cuda.h"

#include <atomic>
#include <exception>
#include <memory>
#include <string>

#include <ATen/core/CachingHostAllocator.h>
#include <ATen/cuda/CUDAGeneratorImpl.h>
#include <ATen/cuda/CUDAGraph.h>
#include <ATen/record_function.h>
#include <c10/cuda/CUDACachingAllocator.h>

#include "base/error.h"
#include "engine/failures.h"

namespace trainhost {
namespace {

/// Memory that recordings share, since they are replayed in the order in which they were made. LibTorch takes no recording into memory that none uses any
/// more, so its name lives as long as the recordings.
using Pool = std::shared_ptr<const c10::MempoolId_t>;

Pool shared_pool() {
  static std::weak_ptr<const c10::MempoolId_t> in_use;
  Pool pool = in_use.lock();
  if (!pool) in_use = pool = std::make_shared<const c10::MempoolId_t>(at::cuda::graph_pool_handle());
  return pool;
}

class GraphRecording final : public Recording {
 public:
  explicit GraphRecording(Pool memory) : pool(std::move(memory)) {}
  const Pool pool;
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

}  // namespace

std::unique_ptr<Recording> record_graph(c10::DeviceIndex device, const std::function<void()>& work) {
  const auto* generator = at::check_generator<at::CUDAGeneratorImpl>(at::cuda::detail::getDefaultCUDAGenerator(device));
  const uint64_t seed = generator->current_seed(), offset = generator->philox_offset_per_thread();
  auto recording = std::make_unique<GraphRecording>(shared_pool());
  const c10::MempoolId_t pool = *recording->pool;
  const LastOperator last;
  std::string problem;
  const auto attempt = [&](const auto& call) {
    try {
      call();
    } catch (const std::exception& failure) {
      if (problem.empty()) problem = format("{} cannot be recorded: {}", last.text(), first_line(failure.what()));
    }
  };
  recording->graph.register_generator_state(at::cuda::detail::getDefaultCUDAGenerator(device));
  attempt([&] { recording->graph.capture_begin(pool, cudaStreamCaptureModeThreadLocal); });  // other threads go on to upload batches
  if (problem.empty()) attempt(work);
  bool has_ended = false;
  attempt([&] { recording->graph.capture_end(), has_ended = true; });
  if (problem.empty()) return recording;
  if (!has_ended) {
    ignore_failure([&] { c10::cuda::CUDACachingAllocator::endAllocateToPool(device, pool); });
    ignore_failure([&] { c10::cuda::CUDACachingAllocator::releasePool(device, pool); });
    ignore_failure([&] { at::getHostAllocator(at::kCUDA)->end_allocate_to_pool(pool); });
  }
  recording.reset();
  (void)cudaGetLastError();
  renew_generator(device, seed, offset);
  throw Error(ExitCode::kFailure, problem);
}

}  // namespace trainhost
