// Checkpoints in a bucket of any store that speaks S3.
#include <atomic>
#include <memory>
#include <mutex>

#include <trainhost/cpp/checkpoint_backend.hpp>
#include <trainhost/cpp/define.hpp>

#include "bucket.h"
#include "keys.h"
#include "s3/settings.h"
#include "uploads.h"

using namespace trainhost;

namespace {

struct Config : s3::StoreSettings {
  std::string uri, storage_class;
  std::uint64_t part_bytes = 8 << 20;
  unsigned max_connections = 16, tries = 5, timeout_seconds = 30;
  double orphan_hours = 24;
};

s3::Wording wording() {
  return {"checkpoint.uri", "[s3ckpt] endpoint", "[s3ckpt] region", "s3:PutObject, s3:GetObject, s3:DeleteObject, s3:ListBucket, s3:AbortMultipartUpload"};
}

constexpr auto kSchema =
    schema<Config>()
        .key("uri", &Config::uri, "where the checkpoints lie: s3://BUCKET/PREFIX", no_trajectory)
        .key("endpoint", static_cast<std::string Config::*>(&Config::endpoint), "http(s)://HOST[:PORT] of a store that is not AWS; else AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile",
             no_trajectory)
        .key("region", static_cast<std::string Config::*>(&Config::region), "region to sign for; else AWS_REGION, the profile; us-east-1 where only an endpoint is given", no_trajectory)
        .key("path_style", static_cast<std::optional<bool> Config::*>(&Config::path_style), "bucket in the path, not in the host name; default: true with an endpoint, false on AWS", no_trajectory)
        .key("storage_class", &Config::storage_class, "of new objects, such as STANDARD_IA; empty: the bucket's own", no_trajectory)
        .key("part_bytes", &Config::part_bytes, "smallest part of a large object; the last may be smaller", at_least(5 << 20), at_most(1 << 30), no_trajectory)
        .key("max_connections", &Config::max_connections, "requests under way at once", at_least(1), at_most(256), no_trajectory)
        .key("tries", &Config::tries, "how often a request is sent before it counts as failed", at_least(1), at_most(20), no_trajectory)
        .key("timeout_seconds", &Config::timeout_seconds, "a request that moves no byte for this long is given up", at_least(1), at_most(3600), no_trajectory)
        .key("orphan_hours", &Config::orphan_hours, "unfinished uploads older than this are removed", at_least(0), no_trajectory);

class S3Checkpoints : public CheckpointBackend {
 public:
  explicit S3Checkpoints(Config config) : config_(std::move(config)) { s3::Place::parse(config_.uri); }

  void start() override {
    const s3::Place place = s3::Place::parse(config_.uri);
    if (place.bucket.empty()) throw PluginError(TRAINHOST_INVALID_ARGUMENT, "uri is not set; give checkpoint.uri = \"s3://BUCKET/PREFIX\"");
    const s3::ClientOptions options{config_.max_connections, config_.tries, config_.timeout_seconds, wording()};
    client_ = std::make_unique<s3::Client>(s3::locate(place, config_, options.wording, s3::environment_variable), options, s3::environment_variable, host());
    bucket_ = std::make_unique<s3ckpt::Bucket>(*client_, config_.storage_class);
    try {
      bucket_->check();
      is_checked_ = true;
    } catch (const PluginError& error) {
      if (error.status != TRAINHOST_UNAVAILABLE) throw;
      host().log_warning("{}; it is asked again with each call", error.message);  // it may be the far side of a mirror; else the host's first call says so
    }
  }
  void stop() override {
    if (bucket_) bucket_->remove_mark();
    bucket_.reset();
    client_.reset();
  }

  std::unique_ptr<Put> put_begin(std::string_view key, std::uint64_t size, std::uint64_t& part_bytes) override {
    const std::string bucket_key = bucket_key_of(key);
    std::call_once(orphans_, [&] { s3ckpt::abort_orphans(bucket(), client_->location().root(), static_cast<std::int64_t>(config_.orphan_hours * 3600)); });
    part_bytes = s3ckpt::choose_part_bytes(size, part_bytes, config_.part_bytes);
    return s3ckpt::begin_upload(bucket(), bucket_key, size, part_bytes);
  }
  void create(std::string_view key, std::span<const std::byte> bytes) override {
    const std::string bucket_key = bucket_key_of(key);
    if (!bucket().create(bucket_key, bytes)) throw PluginError(TRAINHOST_ALREADY_EXISTS, format("{}: holds other bytes", client_->location().name(bucket_key)));
  }
  std::size_t get(std::string_view key, std::uint64_t offset, std::span<std::byte> out) override {
    return bucket().get(bucket_key_of(key), offset, out);
  }
  void list(std::string_view prefix, const Visit& visit) override {
    const std::string& root = client_->location().root();
    bucket().list(root + std::string(prefix), [&](const s3::ListedObject& object) {
      const std::string_view key = std::string_view(object.key).substr(std::min(root.size(), object.key.size()));
      return !s3ckpt::is_key_valid(key) || visit({key, object.size, object.modified_unix_seconds * 1000});  // other people's objects are passed over
    });
  }
  void remove(std::string_view key) override { bucket().remove(bucket_key_of(key)); }

 private:
  std::string bucket_key_of(std::string_view key) const {
    s3ckpt::require_valid(key);
    return client_->location().root() + std::string(key);
  }
  /// Throws while the store that did not answer at the start still does not: nothing is sent to a place that was never looked at.
  s3ckpt::Bucket& bucket() {
    if (!is_checked_) bucket_->check(1);
    is_checked_ = true;
    return *bucket_;
  }

  Config config_;
  std::unique_ptr<s3::Client> client_;
  std::unique_ptr<s3ckpt::Bucket> bucket_;
  std::atomic<bool> is_checked_ = false;
  std::once_flag orphans_;
};

}  // namespace

TRAINHOST_PLUGIN(S3Checkpoints, {.kind = "checkpoint_backend",
                                 .name = "s3ckpt",
                                 .version = "1.0.0",
                                 .summary = "Checkpoints in a bucket of any S3-compatible store",
                                 .schemes = {"s3"},
                                 .schema = kSchema})
