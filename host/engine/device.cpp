// Picks the device by name, and the CPU's side of the device interface.
#include "engine/device.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <mutex>
#include <new>
#include <sstream>
#include <thread>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <torch/version.h>

#include "base/clock.h"
#include "engine/torch_types.h"

namespace trainhost {
namespace {

class PassedMark final : public Mark {
 public:
  void wait() override {}
  double seconds_since(const Mark& earlier) const override { return seconds_ - static_cast<const PassedMark&>(earlier).seconds_; }

 private:
  double seconds_ = monotonic_seconds();
};

/// The value behind "key\t: value" of the first processor, or nothing.
std::string processor_fact(const std::string& key) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key) && line.find(": ") != std::string::npos) return line.substr(line.find(": ") + 2);
  return {};
}

/// Copies on threads of its own, in pieces that spread large tensors over them.
class ThreadTransfer final : public Transfer {
 public:
  explicit ThreadTransfer(std::vector<CopyPiece> pieces) : pieces_(std::move(pieces)) {
    for (size_t i = 0; i < pieces_.size(); ++i)
      for (size_t offset = 0; offset < pieces_[i].source.nbytes(); offset += kBlockBytes) blocks_.push_back({i, offset});
    for (int i = 0; i < kThreads; ++i) threads_.emplace_back([this] { copy_blocks(); });
  }
  ~ThreadTransfer() override { join(); }

  void wait() override {
    join();
    if (seconds_ == 0) seconds_ = monotonic_seconds() - start_;
  }
  void order_after() override { wait(); }
  double seconds() const override { return seconds_; }

 private:
  static constexpr int kThreads = 2;
  static constexpr size_t kBlockBytes = size_t{4} << 20;
  struct Block {
    size_t piece, offset;
  };

  void copy_blocks() {
    for (size_t i; (i = next_++) < blocks_.size();) {
      const CopyPiece& piece = pieces_[blocks_[i].piece];
      const size_t offset = blocks_[i].offset, bytes = std::min(kBlockBytes, piece.source.nbytes() - offset);
      std::memcpy(piece.target + offset, static_cast<const std::byte*>(piece.source.const_data_ptr()) + offset, bytes);
    }
  }
  void join() {
    const std::lock_guard lock(mutex_);
    for (std::thread& thread : threads_)
      if (thread.joinable()) thread.join();
  }

  std::vector<CopyPiece> pieces_;
  std::vector<Block> blocks_;
  std::atomic<size_t> next_{0};
  std::atomic<double> seconds_{0};
  double start_ = monotonic_seconds();
  std::mutex mutex_;  // the training thread and the one that saves may both wait
  std::vector<std::thread> threads_;
};

class CpuDevice final : public Device {
 public:
  at::Device place() const override { return at::Device(at::kCPU); }

  DeviceReport report() const override {
    const std::string model = processor_fact("model name");
    const auto bytes = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE));
    return {model.empty() ? "CPU" : model, "cpu", TORCH_VERSION, "", bytes};
  }

  uint32_t capability() const override {
    std::istringstream flags(processor_fact("flags"));
    uint32_t bits = 0;
    for (std::string flag; flags >> flag;) {
      if (flag == "avx512_bf16" || flag == "amx_bf16") bits |= TRAINHOST_CPU_BF16;
      if (flag == "avx512_fp16") bits |= TRAINHOST_CPU_FP16;
    }
    return bits;
  }

  std::shared_ptr<std::byte> allocate(size_t bytes) override {
    void* memory = std::aligned_alloc(64, (bytes + 64) / 64 * 64);
    if (!memory) throw Error(ExitCode::kOutOfMemory, format("no memory for a batch: {} bytes were wanted; use smaller batches or fewer data threads", bytes));
    return {static_cast<std::byte*>(memory), [](std::byte* p) { std::free(p); }};
  }

  std::unique_ptr<TorchBatch> upload(HostBatch batch) override {
    auto out = std::make_unique<TorchBatch>();
    out->num_samples = batch.num_samples;
    out->num_targets = batch.num_targets;
    out->fields = view_fields(batch);
    out->memory = std::move(batch.memory);
    return out;
  }

  size_t allocated_bytes(size_t bytes) const override { return (bytes + 64) / 64 * 64; }
  void release_copied() override {}
  void order_after_upload(const TorchBatch&) override {}
  at::Tensor host_tensor(at::IntArrayRef sizes, at::ScalarType type) override { return at::empty(sizes, type); }
  std::shared_ptr<std::byte> arena(size_t bytes) override { return allocate(bytes); }
  std::shared_ptr<std::byte> as_arena(std::shared_ptr<std::byte> memory, size_t) override { return memory; }
  std::shared_ptr<Transfer> start_copies(std::vector<CopyPiece> pieces) override { return std::make_shared<ThreadTransfer>(std::move(pieces)); }
  std::unique_ptr<Mark> mark() override { return std::make_unique<PassedMark>(); }
  bool can_record() const override { return false; }
  std::unique_ptr<Recording> record(const std::function<void()>&) override { throw Error(ExitCode::kFailure, "engine: a CPU's work cannot be recorded"); }
  void warm_up() override {}
  void release_cached_memory() override {}

  uint64_t peak_memory_bytes() const override {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
  }
};

Error no_such_device(const std::string& name) {
  const int count = num_cuda_devices();
  return Error(ExitCode::kConfig, format("device: got \"{}\", this machine has {} CUDA device{}; wanted auto, cpu, cuda or cuda:N with N below {}", name, count,
                                         count == 1 ? "" : "s", count));
}

}  // namespace

std::vector<at::Tensor> view_fields(const HostBatch& batch) {
  std::vector<at::Tensor> out;
  for (const HostField& field : batch.fields) out.push_back(at::from_blob(field.data, field.shape, at::TensorOptions(scalar_type_of(field.dtype))));
  return out;
}

std::unique_ptr<Device> make_device(const std::string& name) {
  if (name == "cpu") return std::make_unique<CpuDevice>();
  const bool is_cuda = name == "cuda" || name.starts_with("cuda:");
  if (name != "auto" && !is_cuda) throw no_such_device(name);
  if (name == "auto") return num_cuda_devices() > 0 ? make_cuda_device(0) : std::make_unique<CpuDevice>();
  const std::string digits = name == "cuda" ? "0" : name.substr(5);
  const bool is_number = !digits.empty() && digits.size() < 4 && digits.find_first_not_of("0123456789") == std::string::npos;
  if (!is_number || std::stoi(digits) >= num_cuda_devices()) throw no_such_device(name);
  return make_cuda_device(std::stoi(digits));
}

}  // namespace trainhost
