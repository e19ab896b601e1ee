// PUT, DELETE and what makes sure of them.
#include "bucket.h"

#include <algorithm>
#include <random>

#include "files/crc32c.h"
#include "s3/digest.h"
#include "s3/text.h"

namespace s3ckpt {

using trainhost::format;
using trainhost::PluginError;
using namespace trainhost::s3;

namespace {

constexpr const char* kNameHeader = "x-amz-meta-trainhost-upload";
constexpr std::string_view kMark = "~conditional-writes";  // no key of the host begins like this

}  // namespace

std::string new_upload_name() {
  std::random_device random;
  return format("{:08x}{:08x}{:08x}", random(), random(), random());
}

std::string upload_name_of(const HttpResponse& head) { return head.header(kNameHeader); }

Pairs Bucket::new_object_headers(const std::string& upload_name) const {
  Pairs headers{{"content-type", "application/octet-stream"}, {kNameHeader, upload_name}};
  if (!storage_class_.empty()) headers["x-amz-storage-class"] = storage_class_;
  return headers;
}

HttpResponse Bucket::send_with_checksum(Call call, uint32_t crc32c) {
  const bool has_checksum = takes_checksums_;
  if (has_checksum) call.headers["x-amz-checksum-crc32c"] = crc32c_text(crc32c);
  Call first = call;
  if (has_checksum) first.expected.insert(first.expected.end(), {400, 501});
  HttpResponse response = client().send(first);
  if (!has_checksum || (response.status != 400 && response.status != 501)) return response;
  const auto answer = read_error(response.body);
  const bool is_about_it = response.status == 501 || (answer && lower_case(answer->message + answer->code).find("checksum") != std::string::npos);
  if (is_about_it && takes_checksums_.exchange(false))
    client().host().log_warning("{} refuses x-amz-checksum-crc32c (HTTP {}); going on without: the host reads back and compares what it wrote",
                               client().location().origin(), response.status);
  if (is_about_it) call.headers.erase("x-amz-checksum-crc32c");
  return client().send(call);
}

HttpResponse Bucket::put(const std::string& key, std::span<const std::byte> bytes, const std::string& upload_name) {
  Call call{"PUT", key, {}, new_object_headers(upload_name), bytes};
  call.headers["if-none-match"] = "*";
  call.expected = {412};
  return send_with_checksum(std::move(call), crc32c(bytes));
}

bool Bucket::put_new(const std::string& key, std::span<const std::byte> bytes, const std::string& name) {
  if (put(key, bytes, name).is_good()) return true;
  const auto found = head(key);  // the reply to an earlier try of ours may have been lost
  if (!found) throw PluginError(TRAINHOST_UNAVAILABLE, format("{}: was there when it was written, and is gone now", client().location().name(key)));
  return upload_name_of(*found) == name;
}

void Bucket::require_conditional_put() {
  const std::lock_guard lock(mutex_);
  if (is_conditional_) return;
  const std::string key = client().location().root() + std::string(kMark);
  const std::string_view text = "trainhost leaves this object here: it shows that this store never writes over an object when asked not to\n";
  const auto put_mark = [&] { return put(key, std::as_bytes(std::span(text)), new_upload_name()).is_good(); };
  if (put_mark() && put_mark())
    throw PluginError(
        TRAINHOST_FAILED_PRECONDITION,
        format("{}: the store at {} ignores If-None-Match and wrote over an object, so two runs could spoil each other's checkpoints; use a store that "
               "honours conditional writes (AWS S3, Ceph, MinIO and R2 do)",
               client().location().name(key), client().location().origin()));
  is_conditional_ = true;
}

void Bucket::remove_mark() noexcept {
  if (!is_conditional_) return;
  try {
    const std::string root = client().location().root(), key = root + std::string(kMark);
    Call list{"GET", "", {{"list-type", "2"}, {"max-keys", "2"}, {"prefix", root}}};
    Call remove{"DELETE", key};
    list.tries = remove.tries = 1;
    const auto page = read_object_list(client().send(list).body);
    if (page && page->objects.size() == 1 && page->objects.front().key == key) client().send(remove);
  } catch (const std::exception& failure) {
    client().host().log_debug("{}", failure.what());
  }
}

bool Bucket::create(const std::string& key, std::span<const std::byte> bytes) {
  require_conditional_put();
  if (put(key, bytes, new_upload_name()).is_good()) return true;
  std::vector<std::byte> stored(bytes.size() + 1);
  const size_t size = get(key, 0, stored);
  return size == bytes.size() && std::equal(bytes.begin(), bytes.end(), stored.begin());
}

void Bucket::remove(const std::string& key) {
  Call call{"DELETE", key};
  call.expected = {404};
  const HttpResponse response = client().send(call);
  if (response.status == 404 && error_code(response) == "NoSuchBucket")
    throw PluginError(TRAINHOST_NOT_FOUND, format("{}: the bucket is not there", client().location().name(key)));
}

}  // namespace s3ckpt
