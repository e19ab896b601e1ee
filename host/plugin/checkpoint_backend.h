// The C table of checkpoint backends as a C++ class: status -> Error, answers checked.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <trainhost/checkpoint_backend.h>
#include <trainhost/checkpoint_copies.h>

#include "plugin/instance.h"

namespace trainhost {

struct StoredObject {
  std::string key;
  uint64_t size = 0;
  int64_t modified_unix_ms = 0;  // 0 = not known
};

/// Borrowed view of an instance. [io], several threads at once. Errors are PluginCallError: kCheckpointUnreadable for get and list,
/// kCheckpointUnwritable for the others; the caller retries those that are is_retryable().
class CheckpointBackend {
 public:
  /// An upload under way; aborted unless committed. Moves, does not copy; must not outlive the backend.
  class Put {
   public:
    Put(Put&& other) noexcept;
    Put& operator=(Put&&) = delete;
    ~Put();
    /// Size of every part but the last; a multiple of 4096.
    uint64_t part_bytes() const { return part_bytes_; }
    /// Any order, many threads. `bytes` is 4096-aligned. A retry sends the same bytes again.
    void part(uint64_t offset, std::span<const std::byte> bytes, uint32_t crc32c) const;
    /// Once, with no part in flight. Returned = visible and durable. Thrown = the put is gone, the key must not be used again.
    void commit();
    void abort() noexcept;

   private:
    friend class CheckpointBackend;
    Put(const CheckpointBackend& backend, trainhost_put* put, uint64_t part_bytes) : backend_(backend), put_(put), part_bytes_(part_bytes) {}
    const CheckpointBackend& backend_;
    trainhost_put* put_;
    uint64_t part_bytes_;
  };

  explicit CheckpointBackend(Instance& instance);

  /// A new object of exactly `size` bytes; parts of about `wished_part_bytes`.
  Put begin(std::string_view key, uint64_t size, uint64_t wished_part_bytes = uint64_t{8} << 20) const;
  /// At most 1 MiB, atomic and durable. True: the key now holds these bytes (perhaps it did before). False: it holds others.
  [[nodiscard]] bool create(std::string_view key, std::string_view bytes) const;
  /// How many bytes it read; fewer than asked for only at the end of the object. Status NOT_FOUND when there is none.
  uint64_t get(std::string_view key, uint64_t offset, std::span<std::byte> out) const;
  /// How many places hold objects, each perhaps alone; get() reads from whichever the backend likes.
  uint32_t num_places() const { return copies_ ? copies_->num_places : 1; }
  /// Like get(), out of one place; place < num_places().
  uint64_t get_copy(uint32_t place, std::string_view key, uint64_t offset, std::span<std::byte> out) const;
  /// Every committed object whose key begins with `prefix`, in bytewise order.
  std::vector<StoredObject> list(std::string_view prefix) const;
  /// One that is absent is no error.
  void remove(std::string_view key) const;

  const Instance& instance() const { return instance_; }

 private:
  Instance& instance_;
  trainhost_checkpoint_backend table_;
  std::optional<trainhost_checkpoint_copies> copies_;
};

}  // namespace trainhost
