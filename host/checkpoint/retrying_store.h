// An ObjectStore that tries again what is UNAVAILABLE.
#pragma once
#include <functional>

#include "checkpoint/object_store.h"

namespace trainhost {

/// Each call is tried up to `tries` times with growing waits between. Only commit() is not: a put is gone after it, whatever it returned.
class RetryingStore : public ObjectStore {
 public:
  RetryingStore(ObjectStore& objects, unsigned tries, std::function<void(double)> wait) : objects_(objects), tries_(tries), wait_(std::move(wait)) {}

  std::unique_ptr<Put> begin(std::string_view key, uint64_t size, uint64_t wished_part_bytes) override;
  bool create(std::string_view key, std::string_view bytes) override;
  uint64_t get(std::string_view key, uint64_t offset, std::span<std::byte> out) override;
  std::vector<StoredObject> list(std::string_view prefix) override;
  void remove(std::string_view key) override;
  uint32_t num_places() const override { return objects_.num_places(); }
  uint64_t get_copy(uint32_t place, std::string_view key, uint64_t offset, std::span<std::byte> out) override;

  /// Calls `function` until it returns, throws something final, or the tries are used up.
  template <class Function>
  auto persist(const Function& function) const {
    for (unsigned number = 1;; ++number) {
      try {
        return function();
      } catch (const PluginCallError& error) {
        if (!error.is_retryable() || number >= tries_) throw;
        wait_before(number, error);
      }
    }
  }

 private:
  class RetryingPut;
  void wait_before(unsigned number, const PluginCallError& error) const;

  ObjectStore& objects_;
  unsigned tries_;
  std::function<void(double)> wait_;
};

}  // namespace trainhost
