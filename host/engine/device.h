// What differs between a CPU and a GPU: facts, memory, copies, waiting. All other code of the engine is the same on both.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "base/batch.h"
#include "engine/engine.h"

namespace trainhost {

/// A point in the device's queue of work.
class Mark {
 public:
  virtual ~Mark() = default;
  virtual void wait() = 0;  // until the device has come past it
  /// Of the device's time, from `earlier`, which is of the same device, to this; the device has come past both.
  virtual double seconds_since(const Mark& earlier) const = 0;
};

/// Tensors of one batch in the order of the fields; `memory` keeps what they view.
class TorchBatch : public DeviceBatch {
 public:
  std::vector<at::Tensor> fields;
  std::shared_ptr<void> memory;
};

/// One tensor on its way to host memory: dense, and not changed before Transfer::order_after() was called.
struct CopyPiece {
  at::Tensor source;
  std::byte* target = nullptr;
};

/// Copies to host memory that are under way. The destructor waits for them.
class Transfer {
 public:
  virtual ~Transfer() = default;
  virtual void wait() = 0;  // on the host. [any]
  /// What the training thread enqueues from now on happens after the copies; on a GPU the host does not wait. [train]
  virtual void order_after() = 0;
  virtual double seconds() const = 0;  // that the copies took; 0 until wait() has returned
};

/// Work of the device that was recorded and can be enqueued as a whole, behind what was enqueued before.
class Recording {
 public:
  virtual ~Recording() = default;
  virtual void replay() = 0;
};

class Device {
 public:
  virtual ~Device() = default;
  virtual at::Device place() const = 0;
  virtual DeviceReport report() const = 0;
  virtual uint32_t capability() const = 0;  // as in trainhost_device_facts
  /// As BatchDevice. [any]
  virtual std::shared_ptr<std::byte> allocate(size_t bytes) = 0;
  virtual std::unique_ptr<TorchBatch> upload(HostBatch batch) = 0;
  virtual size_t allocated_bytes(size_t bytes) const = 0;
  virtual void release_copied() = 0;
  /// Makes the training thread's queue of work wait for the batch's copies; the host does not wait.
  virtual void order_after_upload(const TorchBatch& batch) = 0;
  /// Host memory that the device copies to and from without an intermediate buffer.
  virtual at::Tensor host_tensor(at::IntArrayRef sizes, at::ScalarType type) = 0;
  /// A large block of exactly this size that start_copies() may aim at. Throws Error(kOutOfMemory). [any]
  virtual std::shared_ptr<std::byte> arena(size_t bytes) = 0;
  /// The same of memory that is there: whoever drops the result drops `memory`. [any]
  virtual std::shared_ptr<std::byte> as_arena(std::shared_ptr<std::byte> memory, size_t bytes) = 0;
  /// Begins to copy on a stream or threads of its own, behind all work enqueued so far.
  virtual std::shared_ptr<Transfer> start_copies(std::vector<CopyPiece> pieces) = 0;
  virtual std::unique_ptr<Mark> mark() = 0;  // behind all work enqueued so far
  virtual bool can_record() const = 0;
  /// Records what `work` enqueues instead of doing it. Tensors that it makes are the recording's: replays write to the same memory, which is given back with
  /// the recording and the tensors. Random numbers continue as if the work were done anew. Throws std::exception when something cannot be recorded, such as
  /// waiting for the device, and names the operator; nothing is changed then but host-side state that `work` changed.
  virtual std::unique_ptr<Recording> record(const std::function<void()>& work) = 0;
  /// Makes now what the first work on the device would make. [any]
  virtual void warm_up() = 0;
  virtual void release_cached_memory() = 0;
  virtual uint64_t peak_memory_bytes() const = 0;
};

/// `name` as in EngineOptions. Throws Error(kConfig) for a device that is not there.
std::unique_ptr<Device> make_device(const std::string& name);

/// The fields of a host batch as tensors that view its memory.
std::vector<at::Tensor> view_fields(const HostBatch& batch);

/// Chosen by CMake: device_cuda.cpp or device_nocuda.cpp.
int num_cuda_devices();
std::unique_ptr<Device> make_cuda_device(int index);

}  // namespace trainhost
