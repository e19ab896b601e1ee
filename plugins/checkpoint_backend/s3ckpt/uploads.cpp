// One PUT, or CreateMultipartUpload, parts and CompleteMultipartUpload; and what dead processes left of the latter.
#include "uploads.h"

#include <algorithm>
#include <cstring>

#include "files/crc32c.h"
#include "s3/digest.h"

namespace s3ckpt {

using trainhost::CheckpointBackend;
using trainhost::format;
using trainhost::PluginError;
using namespace trainhost::s3;

namespace {

constexpr uint64_t kMebibyte = uint64_t{1} << 20, kMaxParts = 10'000, kLargestPart = 1024 * kMebibyte;

uint64_t round_up(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit * unit; }

/// Which parts an object has, and which of them have come.
class Parts {
 public:
  Parts(std::string name, uint64_t size, uint64_t part_bytes) : name_(std::move(name)), size_(size), part_bytes_(part_bytes) {}

  void require_right(uint64_t offset, std::span<const std::byte> bytes, uint32_t crc) const {
    if (offset % part_bytes_ != 0 || offset > size_ || bytes.size() != std::min(part_bytes_, size_ - offset))
      throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("{}: part of {} bytes at offset {} does not fit an object of {} bytes in parts of {}", name_,
                                                           bytes.size(), offset, size_, part_bytes_));
    if (const uint32_t got = crc32c(bytes); got != crc)
      throw PluginError(TRAINHOST_DATA_LOSS,
                        format("{}: the part at offset {} has checksum {:08x}, wanted {:08x}: memory was changed on the way", name_, offset, got, crc));
  }
  unsigned number(uint64_t offset) const { return static_cast<unsigned>(offset / part_bytes_) + 1; }
  uint64_t count() const { return (size_ + part_bytes_ - 1) / part_bytes_; }
  void require_all(uint64_t num_written) const {
    if (num_written < count())
      throw PluginError(TRAINHOST_FAILED_PRECONDITION, format("{}: {} of {} parts were never written", name_, count() - num_written, count()));
  }
  PluginError taken() const { return PluginError(TRAINHOST_ALREADY_EXISTS, format("{}: the key was used while this object was written", name_)); }

 private:
  std::string name_;
  uint64_t size_, part_bytes_;
};

/// Keeps its one part until commit, so that nothing is visible before.
class SmallUpload : public CheckpointBackend::Put {
 public:
  SmallUpload(Bucket& bucket, std::string key, uint64_t size, uint64_t part_bytes)
      : bucket_(bucket), key_(std::move(key)), parts_(bucket.client().location().name(key_), size, part_bytes) {}

  void part(uint64_t offset, std::span<const std::byte> bytes, uint32_t crc) override {
    parts_.require_right(offset, bytes, crc);
    const std::lock_guard lock(mutex_);
    bytes_.assign(bytes.begin(), bytes.end());
    crc_ = crc;
    num_written_ = 1;
  }
  void commit() override {
    parts_.require_all(num_written_);
    if (crc32c(bytes_) != crc_)
      throw PluginError(TRAINHOST_DATA_LOSS, format("{}: its bytes changed in memory before they were sent", bucket_.client().location().name(key_)));
    if (!bucket_.put_new(key_, bytes_, new_upload_name())) throw parts_.taken();
  }
  void abort() override {}

 private:
  Bucket& bucket_;
  std::string key_;
  Parts parts_;
  std::mutex mutex_;
  std::vector<std::byte> bytes_;
  uint32_t crc_ = 0;
  uint64_t num_written_ = 0;
};

void abort_upload(Client& client, const std::string& key, const std::string& id) {
  Call call{"DELETE", key, {{"uploadId", id}}};
  call.expected = {404};  // it is gone already
  client.send(call);
}

class MultipartUpload : public CheckpointBackend::Put {
 public:
  MultipartUpload(Bucket& bucket, std::string key, uint64_t size, uint64_t part_bytes)
      : bucket_(bucket), client_(bucket.client()), key_(std::move(key)), size_(size), parts_(client_.location().name(key_), size, part_bytes) {
    Call call{"POST", key_, {{"uploads", ""}}, bucket_.new_object_headers(upload_name_)};
    if (bucket_.takes_checksums()) call.headers["x-amz-checksum-algorithm"] = "CRC32C";
    call.complaint = [&](const HttpResponse& response) {
      id_ = read_child(response.body, "InitiateMultipartUploadResult", "UploadId");
      return id_.empty() ? "no upload id came back" : "";
    };
    client_.send(call);
  }

  void part(uint64_t offset, std::span<const std::byte> bytes, uint32_t crc) override {
    parts_.require_right(offset, bytes, crc);
    const unsigned number = parts_.number(offset);
    Call call{"PUT", key_, {{"partNumber", std::to_string(number)}, {"uploadId", id_}}, {}, bytes};
    call.complaint = [](const HttpResponse& response) { return response.header("etag").empty() ? "no ETag came back" : ""; };
    const HttpResponse response = bucket_.send_with_checksum(std::move(call), crc);
    const std::lock_guard lock(mutex_);
    stored_[number] = {number, response.header("etag"), bucket_.takes_checksums() ? crc32c_text(crc) : ""};
  }

  void commit() override {
    try {
      parts_.require_all(stored_.size());
      complete();
    } catch (...) {
      abort();
      throw;
    }
  }

  void abort() override {
    try {
      abort_upload(client_, key_, id_);
    } catch (const PluginError& error) {
      client_.host().log_debug("{}: the upload is left behind and removed later: {}", client_.location().name(key_), error.message);
    }
  }

 private:
  void complete() {
    std::vector<StoredPart> parts;
    for (const auto& [number, part] : stored_) parts.push_back(part);
    const std::string body = write_part_list(parts);
    Call call{"POST", key_, {{"uploadId", id_}}, {{"if-none-match", "*"}}, std::as_bytes(std::span(body))};
    call.expected = {404, 412, 501};
    call.complaint = [](const HttpResponse& response) {
      return read_child(response.body, "CompleteMultipartUploadResult", "ETag").empty() ? "the answer does not say that the upload is complete" : "";
    };
    HttpResponse response = client_.send(call);
    if (response.status == 501) {  // a store that knows no conditions here; that the key is new was looked at in the beginning
      call.headers.erase("if-none-match");
      call.expected = {404};
      response = client_.send(call);
    }
    if (!response.is_good()) require_ours(response);
  }

  /// After a lost reply the upload is gone because it is complete, or the key is taken by ourselves.
  void require_ours(const HttpResponse& response) {
    const auto found = bucket_.head(key_);
    if (found && upload_name_of(*found) == upload_name_ && found->header("content-length") == std::to_string(size_)) return;
    if (found) throw parts_.taken();
    throw PluginError(TRAINHOST_UNAVAILABLE,
                      format("{}: the upload is gone before it was complete (HTTP {} {}); do the bucket's lifecycle rules abort uploads?",
                             client_.location().name(key_), response.status, error_code(response)));
  }

  Bucket& bucket_;
  Client& client_;
  std::string key_, upload_name_ = new_upload_name(), id_;
  uint64_t size_;
  Parts parts_;
  std::mutex mutex_;
  std::map<unsigned, StoredPart> stored_;
};

std::vector<ListedUpload> list_uploads(Client& client, const std::string& prefix) {
  std::vector<ListedUpload> uploads;
  Call call{"GET", "", {{"uploads", ""}, {"prefix", prefix}}};
  UploadPage page;
  call.complaint = [&](const HttpResponse& response) {
    auto read = read_upload_list(response.body);
    if (!read) return "what came back is no list of uploads";
    page = std::move(*read);
    return "";
  };
  do {
    client.send(call);
    for (ListedUpload& upload : page.uploads)
      if (upload.key.starts_with(prefix)) uploads.push_back(std::move(upload));
    call.query["key-marker"] = page.next_key;
    call.query["upload-id-marker"] = page.next_id;
  } while (!page.next_key.empty());
  return uploads;
}

}  // namespace

uint64_t choose_part_bytes(uint64_t size, uint64_t wish, uint64_t smallest) {
  const uint64_t needed = round_up((size + kMaxParts - 1) / kMaxParts, kMebibyte);
  const uint64_t part_bytes = std::max({std::min(round_up(std::min(wish, kLargestPart), 4096), kLargestPart), round_up(smallest, 4096), needed});
  if (part_bytes > 5 * kLargestPart) throw PluginError(TRAINHOST_RESOURCE_EXHAUSTED, format("{} bytes are more than an object of S3 can hold", size));
  return part_bytes;
}

std::unique_ptr<CheckpointBackend::Put> begin_upload(Bucket& bucket, std::string key, uint64_t size, uint64_t part_bytes) {
  if (bucket.find(key)) throw PluginError(TRAINHOST_ALREADY_EXISTS, format("{}: is there already", bucket.client().location().name(key)));
  if (size <= part_bytes) return std::make_unique<SmallUpload>(bucket, std::move(key), size, part_bytes);
  return std::make_unique<MultipartUpload>(bucket, std::move(key), size, part_bytes);
}

void abort_orphans(Bucket& bucket, const std::string& prefix, int64_t age_seconds) {
  Client& client = bucket.client();
  try {
    uint64_t num_aborted = 0;
    for (const ListedUpload& upload : list_uploads(client, prefix)) {
      if (upload.initiated_unix_seconds == 0 || client.now() - upload.initiated_unix_seconds < age_seconds) continue;
      abort_upload(client, upload.key, upload.id);
      ++num_aborted;
    }
    if (num_aborted > 0) client.host().log_info("{}: aborted {} unfinished uploads of processes that are gone", client.location().name(prefix), num_aborted);
  } catch (const PluginError& error) {
    if (error.status == TRAINHOST_CANCELLED || error.status == TRAINHOST_DEADLINE_EXCEEDED) throw;
    client.host().log_warning("unfinished uploads of dead processes cannot be looked for: {}; a lifecycle rule AbortIncompleteMultipartUpload does it too",
                              error.message);
  }
}

}  // namespace s3ckpt
