// Where checkpoint bytes live, as the store sees it: the verbs of a checkpoint backend, abstract so that tests can break every one of them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/checkpoint_backend.h"

namespace trainhost {

/// The promises of <trainhost/checkpoint_backend.h>. Failures are PluginCallError; only those that are is_retryable() are tried again.
class ObjectStore {
 public:
  /// An upload under way; the destructor aborts it unless commit() was called.
  class Put {
   public:
    virtual ~Put() = default;
    virtual uint64_t part_bytes() const = 0;
    virtual void part(uint64_t offset, std::span<const std::byte> bytes, uint32_t crc32c) = 0;
    virtual void commit() = 0;
  };

  virtual ~ObjectStore() = default;
  virtual std::unique_ptr<Put> begin(std::string_view key, uint64_t size, uint64_t wished_part_bytes) = 0;
  /// False: the key holds other bytes.
  [[nodiscard]] virtual bool create(std::string_view key, std::string_view bytes) = 0;
  virtual uint64_t get(std::string_view key, uint64_t offset, std::span<std::byte> out) = 0;
  virtual std::vector<StoredObject> list(std::string_view prefix) = 0;
  virtual void remove(std::string_view key) = 0;

  /// A store may hold objects in several places, each perhaps alone; get() reads from whichever it likes.
  virtual uint32_t num_places() const { return 1; }
  /// Like get(), out of one place; place < num_places().
  virtual uint64_t get_copy(uint32_t /*place*/, std::string_view key, uint64_t offset, std::span<std::byte> out) { return get(key, offset, out); }
};

/// The plugin behind it; borrowed.
std::unique_ptr<ObjectStore> make_object_store(const CheckpointBackend& backend);

}  // namespace trainhost
