// The checkpoint backend plugin as an ObjectStore.
#include "checkpoint/object_store.h"

namespace trainhost {
namespace {

class BackendPut : public ObjectStore::Put {
 public:
  explicit BackendPut(CheckpointBackend::Put put) : put_(std::move(put)) {}
  uint64_t part_bytes() const override { return put_.part_bytes(); }
  void part(uint64_t offset, std::span<const std::byte> bytes, uint32_t crc32c) override { put_.part(offset, bytes, crc32c); }
  void commit() override { put_.commit(); }

 private:
  CheckpointBackend::Put put_;
};

class BackendStore : public ObjectStore {
 public:
  explicit BackendStore(const CheckpointBackend& backend) : backend_(backend) {}
  std::unique_ptr<Put> begin(std::string_view key, uint64_t size, uint64_t wished_part_bytes) override {
    return std::make_unique<BackendPut>(backend_.begin(key, size, wished_part_bytes));
  }
  bool create(std::string_view key, std::string_view bytes) override { return backend_.create(key, bytes); }
  uint64_t get(std::string_view key, uint64_t offset, std::span<std::byte> out) override { return backend_.get(key, offset, out); }
  std::vector<StoredObject> list(std::string_view prefix) override { return backend_.list(prefix); }
  void remove(std::string_view key) override { backend_.remove(key); }
  uint32_t num_places() const override { return backend_.num_places(); }
  uint64_t get_copy(uint32_t place, std::string_view key, uint64_t offset, std::span<std::byte> out) override { return backend_.get_copy(place, key, offset, out); }

 private:
  const CheckpointBackend& backend_;
};

}  // namespace

std::unique_ptr<ObjectStore> make_object_store(const CheckpointBackend& backend) { return std::make_unique<BackendStore>(backend); }

}  // namespace trainhost
