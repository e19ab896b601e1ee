// For decorators of checkpoint backends: a wrapped backend whose calls read like C++. Include it beside plugin.hpp.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "trainhost/checkpoint_backend.h"
#include "trainhost/cpp/host.hpp"

namespace trainhost::inline sdk {

// Failures are PluginError with the status and words of the wrapped backend. [io], several threads at once.
class UpstreamBackend {
 public:
  // An upload in the wrapped backend; aborted unless it was committed.
  class Put {
   public:
    Put(const trainhost_checkpoint_backend* table, trainhost_put* put, std::uint64_t part_bytes) : table_(table), put_(put), part_bytes_(part_bytes) {}
    Put(Put&& other) noexcept : table_(other.table_), put_(std::exchange(other.put_, nullptr)), part_bytes_(other.part_bytes_) {}
    Put& operator=(Put&&) = delete;
    ~Put() { abort(); }

    std::uint64_t part_bytes() const { return part_bytes_; }
    void part(std::uint64_t offset, std::span<const std::byte> bytes, std::uint32_t crc32c) const {
      call(table_->put_part, put_, offset, static_cast<const void*>(bytes.data()), std::uint64_t{bytes.size()}, crc32c);
    }
    void commit() { call(table_->put_commit, std::exchange(put_, nullptr)); }
    void abort() noexcept { if (trainhost_put* put = std::exchange(put_, nullptr)) table_->put_abort(put); }

   private:
    const trainhost_checkpoint_backend* table_;
    trainhost_put* put_;
    std::uint64_t part_bytes_;
  };

  struct Object {
    std::string key;
    std::uint64_t size = 0;
    std::int64_t modified_unix_ms = 0;
  };

  UpstreamBackend() = default;
  // From start on. Throws FAILED_PRECONDITION when there is no such upstream.
  UpstreamBackend(const Host& host, std::uint32_t index) : upstream_(host.upstream<trainhost_checkpoint_backend>(index, TRAINHOST_CHECKPOINT_BACKEND)) {}

  Put put_begin(std::string_view key, std::uint64_t size, std::uint64_t wished_part_bytes) const {
    trainhost_put* put = nullptr;
    std::uint64_t part_bytes = wished_part_bytes;
    call(upstream_.table->put_begin, upstream_.instance, c_string(key), size, &part_bytes, &put);
    return {upstream_.table, put, part_bytes};
  }
  void create(std::string_view key, std::span<const std::byte> bytes) const {
    call(upstream_.table->create, upstream_.instance, c_string(key), static_cast<const void*>(bytes.data()), std::uint64_t{bytes.size()});
  }
  std::size_t get(std::string_view key, std::uint64_t offset, std::span<std::byte> out) const {
    std::uint64_t got = 0;
    call(upstream_.table->get, upstream_.instance, c_string(key), offset, static_cast<void*>(out.data()), std::uint64_t{out.size()}, &got);
    return static_cast<std::size_t>(got);
  }
  std::vector<Object> list(std::string_view prefix) const {
    std::vector<Object> objects;
    const auto visit = [](void* context, const trainhost_object* object) -> std::int32_t {
      static_cast<std::vector<Object>*>(context)->push_back({std::string(view(object->key)), object->size, object->modified_unix_ms});
      return 0;
    };
    call(upstream_.table->list, upstream_.instance, c_string(prefix), static_cast<void*>(&objects), static_cast<std::int32_t (*)(void*, const trainhost_object*)>(visit));
    return objects;
  }
  void remove(std::string_view key) const { call(upstream_.table->remove, upstream_.instance, c_string(key)); }

 private:
  Upstream<trainhost_checkpoint_backend> upstream_{};
};

}  // namespace trainhost::inline sdk
