// Retries around the calls of another ObjectStore.
#include "checkpoint/retrying_store.h"

#include <algorithm>

#include "base/log.h"

namespace trainhost {

class RetryingStore::RetryingPut : public ObjectStore::Put {
 public:
  RetryingPut(const RetryingStore& store, std::unique_ptr<Put> put) : store_(store), put_(std::move(put)) {}
  uint64_t part_bytes() const override { return put_->part_bytes(); }
  void part(uint64_t offset, std::span<const std::byte> bytes, uint32_t crc32c) override {
    store_.persist([&] { put_->part(offset, bytes, crc32c); });
  }
  void commit() override { put_->commit(); }

 private:
  const RetryingStore& store_;
  std::unique_ptr<Put> put_;
};

std::unique_ptr<ObjectStore::Put> RetryingStore::begin(std::string_view key, uint64_t size, uint64_t wished_part_bytes) {
  return std::make_unique<RetryingPut>(*this, persist([&] { return objects_.begin(key, size, wished_part_bytes); }));
}

bool RetryingStore::create(std::string_view key, std::string_view bytes) {
  return persist([&] { return objects_.create(key, bytes); });
}

uint64_t RetryingStore::get(std::string_view key, uint64_t offset, std::span<std::byte> out) {
  return persist([&] { return objects_.get(key, offset, out); });
}

uint64_t RetryingStore::get_copy(uint32_t place, std::string_view key, uint64_t offset, std::span<std::byte> out) {
  return persist([&] { return objects_.get_copy(place, key, offset, out); });
}

std::vector<StoredObject> RetryingStore::list(std::string_view prefix) {
  return persist([&] { return objects_.list(prefix); });
}

void RetryingStore::remove(std::string_view key) {
  persist([&] { objects_.remove(key); });
}

void RetryingStore::wait_before(unsigned number, const PluginCallError& error) const {
  const double seconds = std::min(10.0, 0.1 * static_cast<double>(1u << std::min(number, 10u)));
  log_warning("{}; try {} of {} in {:.1f} s", error.what(), number + 1, tries_, seconds);
  wait_(seconds);
}

}  // namespace trainhost
