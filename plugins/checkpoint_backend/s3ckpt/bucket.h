// The verbs that change objects of the bucket, beside those that read them.
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

#include "s3/reader.h"

namespace s3ckpt {

namespace s3 = trainhost::s3;

/// Every upload carries a name of its own in its metadata, so that it can be told from another's after a lost reply.
std::string new_upload_name();
/// The name that the upload of an object carried, out of the answer to HEAD.
std::string upload_name_of(const s3::HttpResponse& head);

/// Keys are those of the bucket. All functions throw PluginError and may be called from several threads at once.
class Bucket : public s3::Reader {
 public:
  explicit Bucket(s3::Client& client, std::string storage_class) : Reader(client), storage_class_(std::move(storage_class)) {}

  /// Never over an existing object. False: the key holds one that is not this upload.
  bool put_new(const std::string& key, std::span<const std::byte> bytes, const std::string& upload_name);
  /// As <trainhost/checkpoint_backend.h> says of create: equal bytes are fine. Throws FAILED_PRECONDITION where the store does not honour it.
  bool create(const std::string& key, std::span<const std::byte> bytes);
  void remove(const std::string& key);
  /// Removes the mark of create() when nothing else is left in the place. What fails is let be: the mark does no harm.
  void remove_mark() noexcept;

  /// Headers of a new object.
  s3::Pairs new_object_headers(const std::string& upload_name) const;
  /// Adds the checksum of the body, unless the store has refused such headers.
  s3::HttpResponse send_with_checksum(s3::Call call, uint32_t crc32c);
  bool takes_checksums() const { return takes_checksums_; }

 private:
  s3::HttpResponse put(const std::string& key, std::span<const std::byte> bytes, const std::string& upload_name);
  void require_conditional_put();

  std::string storage_class_;
  std::atomic<bool> takes_checksums_{true};
  std::mutex mutex_;
  bool is_conditional_ = false;  // the store has shown that it honours If-None-Match
};

}  // namespace s3ckpt
