// The host memory of batches: buffers that are used again, so that a run in its stride allocates none.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/batch.h"

namespace trainhost {

/// What is dropped comes back, also after the pool has gone; what comes back and is not wanted soon is freed: at most as much lies idle as was in use at once.
/// Buffers come in eight sizes an octave. `device` outlives every buffer. [any]
class Staging {
 public:
  /// `limit_bytes`: idle buffers are freed rather than that all together, those in use included, come above it. It is for the caller to want no more.
  Staging(BatchDevice& device, uint64_t limit_bytes);
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  /// 64-byte aligned; page-locked where the device wants it. Throws what the device throws.
  std::shared_ptr<std::byte> buffer(size_t bytes);
  /// The same in memory that the device does not see.
  std::shared_ptr<std::byte> room(size_t bytes);

  /// What buffer(bytes), room(bytes) take of the limit.
  uint64_t buffer_bytes(uint64_t bytes) const;
  static uint64_t room_bytes(uint64_t bytes);

  uint64_t limit_bytes() const;
  /// Most that was held at once, idle or in use.
  uint64_t peak_bytes() const;
  /// How often memory was asked for, instead of being used again.
  uint64_t num_allocations() const;

 private:
  class Pool;
  std::shared_ptr<Pool> pool_;  // shared with the buffers
};

}  // namespace trainhost
