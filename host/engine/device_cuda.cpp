// The CUDA side of the device interface: page-locked memory, a copy stream, events, the caching allocator's figures.
#include <cuda_runtime_api.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <deque>
#include <future>
#include <list>
#include <mutex>
#include <optional>

#include <ATen/Context.h>
#include <ATen/core/CachingHostAllocator.h>
#include <ATen/ops/empty.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/version.h>

#include "base/host_memory.h"
#include "engine/device.h"
#include "engine/graph_cuda.h"

namespace trainhost {
namespace {

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  const ExitCode code = status == cudaErrorMemoryAllocation ? ExitCode::kOutOfMemory : ExitCode::kFailure;
  throw Error(code, format("CUDA: {} failed: {}", what, cudaGetErrorString(status)));
}

class CudaEvent {
 public:
  explicit CudaEvent(unsigned flags = cudaEventDisableTiming) { check(cudaEventCreateWithFlags(&event_, flags), "making an event"); }
  ~CudaEvent() { cudaEventDestroy(event_); }
  CudaEvent(const CudaEvent&) = delete;
  CudaEvent& operator=(const CudaEvent&) = delete;
  void record(cudaStream_t stream) { check(cudaEventRecord(event_, stream), "recording an event"); }
  void wait() { check(cudaEventSynchronize(event_), "waiting for the device"); }
  void wait_or_leave() noexcept { cudaEventSynchronize(event_); }  // of a destructor, where an error has no place to go
  bool is_reached() const { return cudaEventQuery(event_) != cudaErrorNotReady; }
  void order(cudaStream_t stream) const { check(cudaStreamWaitEvent(stream, event_, 0), "ordering streams"); }
  double seconds_since(const CudaEvent& earlier) const {
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, earlier.event_, event_), "reading the device's clock");
    return milliseconds / 1e3;
  }

 private:
  cudaEvent_t event_ = nullptr;
};

class CudaMark final : public Mark {
 public:
  explicit CudaMark(cudaStream_t stream) { event_.record(stream); }
  void wait() override { event_.wait(); }
  double seconds_since(const Mark& earlier) const override { return event_.seconds_since(static_cast<const CudaMark&>(earlier).event_); }

 private:
  CudaEvent event_{cudaEventDefault};
};

class CudaBatch final : public TorchBatch {
 public:
  std::shared_ptr<CudaEvent> is_copied;
};

/// Page-locked from here on, until the result is dropped.
std::shared_ptr<std::byte> page_locked(std::shared_ptr<std::byte> memory, size_t bytes) {
  std::byte* const start = memory.get();
  check(cudaHostRegister(start, bytes, cudaHostRegisterDefault), "page-locking host memory for a copy of the state");
  return {start, [memory = std::move(memory)](std::byte* p) { cudaHostUnregister(p); }};
}

/// Copies of a whole state. A thread of its own hands them to the driver: a stream takes some thousand at once, and who hands over more waits, which must not be
/// the thread that trains.
class StreamTransfer final : public Transfer {
 public:
  StreamTransfer(std::vector<CopyPiece> pieces, c10::cuda::CUDAStream training, c10::cuda::CUDAStream stream)
      : pieces_(std::move(pieces)), training_(training) {
    for (const CopyPiece& piece : pieces_)
      if (piece.source.is_cpu()) std::memcpy(piece.target, piece.source.const_data_ptr(), piece.source.nbytes());  // states of generators: they change with the next forward pass
    behind_training_.record(training);
    handed_over_ = std::async(std::launch::async, [this, stream] { hand_over(stream); }).share();
  }
  ~StreamTransfer() override {
    handed_over_.wait();
    end_.wait_or_leave();
  }

  void wait() override {
    handed_over_.get();
    end_.wait();
    seconds_ = end_.seconds_since(start_);
  }
  void order_after() override {
    handed_over_.get();
    end_.order(training_);
  }
  double seconds() const override { return seconds_; }

 private:
  static constexpr size_t kAtOnce = 256, kBatchesUnderWay = 3;  // 1,024 copies fill the queue of a stream

  void hand_over(c10::cuda::CUDAStream stream) {
    const c10::cuda::CUDAGuard guard(stream.device_index());
    behind_training_.order(stream);
    start_.record(stream);
    std::deque<CudaEvent> batches;
    size_t num_copies = 0;
    for (const CopyPiece& piece : pieces_) {
      if (piece.source.is_cpu()) continue;
      check(cudaMemcpyAsync(piece.target, piece.source.const_data_ptr(), piece.source.nbytes(), cudaMemcpyDeviceToHost, stream), "copying the state");
      if (++num_copies % kAtOnce != 0) continue;
      batches.emplace_back(cudaEventDisableTiming | cudaEventBlockingSync).record(stream);
      if (batches.size() < kBatchesUnderWay) continue;
      batches.front().wait();
      batches.pop_front();
    }
    end_.record(stream);
  }

  std::vector<CopyPiece> pieces_;  // their memory stays until the copies have run
  c10::cuda::CUDAStream training_;
  CudaEvent behind_training_, start_{cudaEventDefault}, end_{cudaEventDefault};
  std::atomic<double> seconds_{0};
  std::shared_future<void> handed_over_;  // last: its thread uses what stands above
};

class CudaDevice final : public Device {
 public:
  explicit CudaDevice(int index) : index_(static_cast<c10::DeviceIndex>(index)) {
    at::globalContext().lazyInitDevice(at::kCUDA);
    check(cudaGetDeviceProperties(&properties_, index), "asking for the device's properties");
    c10::cuda::set_device(index_);
    copy_stream_.emplace(c10::cuda::getStreamFromPool(/*isHighPriority=*/false, index_));
    state_stream_.emplace(c10::cuda::getStreamFromPool(/*isHighPriority=*/false, index_));  // a batch must not wait behind a whole state
    record_stream_.emplace(c10::cuda::getStreamFromPool(/*isHighPriority=*/false, index_));
  }

  ~CudaDevice() override {
    for (InFlight& copy : in_flight_) copy.is_copied->wait();
  }

  at::Device place() const override { return {at::kCUDA, index_}; }

  DeviceReport report() const override {
    int version = 0;
    check(cudaRuntimeGetVersion(&version), "asking for the runtime's version");
    return {properties_.name, "cuda", TORCH_VERSION, format("{}.{}", version / 1000, version % 1000 / 10), properties_.totalGlobalMem};
  }

  uint32_t capability() const override { return static_cast<uint32_t>(10 * properties_.major + properties_.minor); }

  // Out of LibTorch's cache of page-locked blocks: asking the driver for each batch would make the device wait.
  std::shared_ptr<std::byte> allocate(size_t bytes) override {
    const auto block = std::make_shared<at::DataPtr>(at::getHostAllocator(at::kCUDA)->allocate(bytes ? bytes : 1));
    return {block, static_cast<std::byte*>(block->get())};
  }

  std::unique_ptr<TorchBatch> upload(HostBatch batch) override {
    auto out = std::make_unique<CudaBatch>();
    out->num_samples = batch.num_samples;
    out->num_targets = batch.num_targets;
    out->is_copied = std::make_shared<CudaEvent>();
    const c10::cuda::CUDAStreamGuard guard(*copy_stream_);
    for (const at::Tensor& source : view_fields(batch)) {
      at::Tensor target = at::empty(source.sizes(), source.options().device(place()));
      check(cudaMemcpyAsync(target.data_ptr(), source.data_ptr(), source.nbytes(), cudaMemcpyHostToDevice, *copy_stream_), "copying a batch");
      out->fields.push_back(std::move(target));
    }
    out->is_copied->record(*copy_stream_);
    keep_until_copied(out->is_copied, std::move(batch.memory));
    return out;
  }

  size_t allocated_bytes(size_t bytes) const override { return std::bit_ceil(std::max<size_t>(bytes, 1)); }  // as LibTorch's cache rounds

  void release_copied() override {
    std::list<InFlight> done;  // freed after the lock: freeing page-locked memory may take long
    const std::lock_guard lock(mutex_);
    for (auto it = in_flight_.begin(); it != in_flight_.end();) {
      const auto next = std::next(it);
      if (it->is_copied->is_reached()) done.splice(done.end(), in_flight_, it);
      it = next;
    }
  }

  void order_after_upload(const TorchBatch& batch) override {
    const auto stream = c10::cuda::getCurrentCUDAStream(index_);
    static_cast<const CudaBatch&>(batch).is_copied->order(stream);
    for (const at::Tensor& field : batch.fields) c10::cuda::CUDACachingAllocator::recordStream(field.storage().data_ptr(), stream);
  }

  at::Tensor host_tensor(at::IntArrayRef sizes, at::ScalarType type) override {
    return at::empty(sizes, at::TensorOptions(type).pinned_memory(true));
  }

  // Memory of exactly the wanted size: LibTorch's cache of page-locked blocks would round it up to a power of two.
  std::shared_ptr<std::byte> arena(size_t bytes) override {
    std::shared_ptr<std::byte> memory = map_host_memory(bytes);
    if (!memory) throw Error(ExitCode::kOutOfMemory, format("checkpoint: no host memory for a copy of the state: {} bytes were wanted; set checkpoint.mode = \"sync\"", bytes));
    touch_pages(memory.get(), bytes, kTouchThreads);
    return as_arena(std::move(memory), bytes);
  }
  std::shared_ptr<std::byte> as_arena(std::shared_ptr<std::byte> memory, size_t bytes) override {
    const c10::cuda::CUDAGuard guard(index_);
    return page_locked(std::move(memory), bytes);
  }

  std::shared_ptr<Transfer> start_copies(std::vector<CopyPiece> pieces) override {
    return std::make_shared<StreamTransfer>(std::move(pieces), c10::cuda::getCurrentCUDAStream(index_), *state_stream_);
  }

  std::unique_ptr<Mark> mark() override { return std::make_unique<CudaMark>(c10::cuda::getCurrentCUDAStream(index_)); }
  bool can_record() const override { return true; }
  std::unique_ptr<Recording> record(const std::function<void()>& work) override {
    // A recording sets the generator's place, which kernels read that still run: neither may overtake the other.
    c10::cuda::getCurrentCUDAStream(index_).synchronize();
    const c10::cuda::CUDAStreamGuard guard(*record_stream_);  // the default stream takes no recording
    std::unique_ptr<Recording> recording = record_graph(index_, work);
    record_stream_->synchronize();
    return recording;
  }
  void warm_up() override {
    const c10::cuda::CUDAGuard guard(index_);
    check(cudaFree(nullptr), "readying the device");
  }
  void release_cached_memory() override { c10::cuda::CUDACachingAllocator::emptyCache(); }

  uint64_t peak_memory_bytes() const override {
    const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(index_);
    return static_cast<uint64_t>(stats.allocated_bytes[0].peak);  // 0: the aggregate over all pools
  }

 private:
  struct InFlight {
    std::shared_ptr<CudaEvent> is_copied;
    std::shared_ptr<void> memory;
  };

  // A batch may be dropped before its copy has run: the host memory is held here until it has.
  void keep_until_copied(std::shared_ptr<CudaEvent> is_copied, std::shared_ptr<void> memory) {
    release_copied();
    const std::lock_guard lock(mutex_);
    in_flight_.push_back({std::move(is_copied), std::move(memory)});
  }

  static constexpr unsigned kTouchThreads = 4;

  c10::DeviceIndex index_;
  cudaDeviceProp properties_{};
  std::optional<c10::cuda::CUDAStream> copy_stream_, state_stream_, record_stream_;
  std::mutex mutex_;
  std::list<InFlight> in_flight_;
};

}  // namespace

int num_cuda_devices() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

std::unique_ptr<Device> make_cuda_device(int index) { return std::make_unique<CudaDevice>(index); }

}  // namespace trainhost
