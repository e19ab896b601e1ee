// The verbs on objects of the bucket.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "client.h"

namespace s3ckpt {

/// Every upload carries a name of its own in its metadata, so that it can be told from another's after a lost reply.
struct ObjectFacts {
  uint64_t size = 0;
  std::string upload_name;
};
std::string new_upload_name();

/// Keys are those of the bucket. All functions throw PluginError and may be called from several threads at once.
class Bucket {
 public:
  explicit Bucket(Client& client, std::string storage_class) : client_(client), storage_class_(std::move(storage_class)) {}

  /// One request that shows whether the bucket is there and may be listed. tries: 0: as many as the user allows.
  void check(unsigned tries = 0);

  /// Never over an existing object. False: the key holds one that is not this upload.
  bool put_new(const std::string& key, std::span<const std::byte> bytes, const std::string& upload_name);
  /// As <trainhost/checkpoint_backend.h> says of create: equal bytes are fine. Throws FAILED_PRECONDITION where the store does not honour it.
  bool create(const std::string& key, std::span<const std::byte> bytes);
  std::optional<ObjectFacts> find(const std::string& key);
  size_t get(const std::string& key, uint64_t offset, std::span<std::byte> out);
  void remove(const std::string& key);
  /// Removes the mark of create() when nothing else is left in the place. What fails is let be: the mark does no harm.
  void remove_mark() noexcept;
  /// Until visit returns false.
  void list(const std::string& prefix, const std::function<bool(const ListedObject&)>& visit);

  Client& client() { return client_; }
  /// Headers of a new object.
  Pairs new_object_headers(const std::string& upload_name) const;
  /// Adds the checksum of the body, unless the store has refused such headers.
  HttpResponse send_with_checksum(Call call, uint32_t crc32c);
  bool takes_checksums() const { return takes_checksums_; }

 private:
  HttpResponse put(const std::string& key, std::span<const std::byte> bytes, const std::string& upload_name);
  void require_conditional_put();

  Client& client_;
  std::string storage_class_;
  std::atomic<bool> takes_checksums_{true};
  std::mutex mutex_;
  bool is_conditional_ = false;  // the store has shown that it honours If-None-Match
};

}  // namespace s3ckpt
