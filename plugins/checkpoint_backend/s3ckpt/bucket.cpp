// PUT, GET, HEAD, DELETE and listings.
#include "bucket.h"

#include <algorithm>
#include <random>

#include "digest.h"
#include "text.h"

namespace s3ckpt {

using trainhost::format;
using trainhost::PluginError;

namespace {

constexpr const char* kNameHeader = "x-amz-meta-trainhost-upload";
constexpr std::string_view kMark = "~conditional-writes";  // no key of the host begins like this

struct ContentRange {
  uint64_t first = 0, last = 0, total = 0;
};

/// "bytes 0-99/1234".
std::optional<ContentRange> parse_range(const std::string& text) {
  ContentRange range;
  unsigned long long first, last, total;
  if (std::sscanf(text.c_str(), "bytes %llu-%llu/%llu", &first, &last, &total) != 3) return std::nullopt;
  range = {first, last, total};
  return range;
}

/// Words when the answer to a ranged GET is not what was asked for.
std::string range_complaint(const HttpResponse& response, uint64_t offset, std::span<const std::byte> out) {
  const auto range = parse_range(response.header("content-range"));
  if (response.status == 200 && offset != 0) return "got the whole object instead of a range";
  if (response.status == 206 && (!range || range->first != offset))
    return format("asked for bytes from {}, got \"{}\"", offset, response.header("content-range"));
  const uint64_t total = range ? range->total : response.sink_bytes;
  const uint64_t wanted = total > offset ? std::min<uint64_t>(out.size(), total - offset) : 0;
  if (response.sink_bytes != wanted) return format("got {} bytes, wanted {}", response.sink_bytes, wanted);
  const std::string stored = response.header("x-amz-checksum-crc32c");
  const bool is_of_this = !stored.empty() && stored.find('-') == std::string::npos && wanted == total;  // "x-n" is a checksum of the checksums of n parts
  const std::string got = is_of_this ? crc32c_text(crc32c(out.first(response.sink_bytes))) : stored;
  return got == stored ? "" : format("the bytes have checksum {}, the store says {}", got, stored);
}

}  // namespace

std::string new_upload_name() {
  std::random_device random;
  return format("{:08x}{:08x}{:08x}", random(), random(), random());
}

void Bucket::check(unsigned tries) {
  Call call{"GET", "", {{"list-type", "2"}, {"max-keys", "1"}, {"prefix", client_.location().root()}}};
  call.complaint = [](const HttpResponse& response) {
    return read_object_list(response.body) ? "" : "no listing of a bucket came back; does an S3 server answer there?";
  };
  call.tries = tries;
  client_.send(call);
}

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
  HttpResponse response = client_.send(first);
  if (!has_checksum || (response.status != 400 && response.status != 501)) return response;
  const auto answer = read_error(response.body);
  const bool is_about_it = response.status == 501 || (answer && lower_case(answer->message + answer->code).find("checksum") != std::string::npos);
  if (is_about_it && takes_checksums_.exchange(false))
    client_.host().log_warning("{} refuses x-amz-checksum-crc32c (HTTP {}); going on without: the host reads back and compares what it wrote",
                               client_.location().origin(), response.status);
  if (is_about_it) call.headers.erase("x-amz-checksum-crc32c");
  return client_.send(call);
}

HttpResponse Bucket::put(const std::string& key, std::span<const std::byte> bytes, const std::string& upload_name) {
  Call call{"PUT", key, {}, new_object_headers(upload_name), bytes};
  call.headers["if-none-match"] = "*";
  call.expected = {412};
  return send_with_checksum(std::move(call), crc32c(bytes));
}

bool Bucket::put_new(const std::string& key, std::span<const std::byte> bytes, const std::string& upload_name) {
  if (put(key, bytes, upload_name).is_good()) return true;
  const auto found = find(key);  // the reply to an earlier try of ours may have been lost
  if (!found) throw PluginError(TRAINHOST_UNAVAILABLE, format("{}: was there when it was written, and is gone now", client_.location().name(key)));
  return found->upload_name == upload_name;
}

void Bucket::require_conditional_put() {
  const std::lock_guard lock(mutex_);
  if (is_conditional_) return;
  const std::string key = client_.location().root() + std::string(kMark);
  const std::string_view text = "trainhost leaves this object here: it shows that this store never writes over an object when asked not to\n";
  const auto put_mark = [&] { return put(key, std::as_bytes(std::span(text)), new_upload_name()).is_good(); };
  if (put_mark() && put_mark())
    throw PluginError(
        TRAINHOST_FAILED_PRECONDITION,
        format("{}: the store at {} ignores If-None-Match and wrote over an object, so two runs could spoil each other's checkpoints; use a store that "
               "honours conditional writes (AWS S3, Ceph, MinIO and R2 do)",
               client_.location().name(key), client_.location().origin()));
  is_conditional_ = true;
}

void Bucket::remove_mark() noexcept {
  if (!is_conditional_) return;
  try {
    const std::string root = client_.location().root(), key = root + std::string(kMark);
    Call list{"GET", "", {{"list-type", "2"}, {"max-keys", "2"}, {"prefix", root}}};
    Call remove{"DELETE", key};
    list.tries = remove.tries = 1;
    const auto page = read_object_list(client_.send(list).body);
    if (page && page->objects.size() == 1 && page->objects.front().key == key) client_.send(remove);
  } catch (const std::exception& failure) {
    client_.host().log_debug("{}", failure.what());
  }
}

bool Bucket::create(const std::string& key, std::span<const std::byte> bytes) {
  require_conditional_put();
  if (put(key, bytes, new_upload_name()).is_good()) return true;
  std::vector<std::byte> stored(bytes.size() + 1);
  const size_t size = get(key, 0, stored);
  return size == bytes.size() && std::equal(bytes.begin(), bytes.end(), stored.begin());
}

std::optional<ObjectFacts> Bucket::find(const std::string& key) {
  Call call{"HEAD", key};
  call.expected = {404};
  const HttpResponse response = client_.send(call);
  if (response.status == 404) return std::nullopt;
  return ObjectFacts{std::strtoull(response.header("content-length").c_str(), nullptr, 10), response.header(kNameHeader)};
}

size_t Bucket::get(const std::string& key, uint64_t offset, std::span<std::byte> out) {
  if (out.empty()) {
    if (!find(key)) throw PluginError(TRAINHOST_NOT_FOUND, format("{}: is not there", client_.location().name(key)));
    return 0;
  }
  Call call{"GET", key};
  call.headers = {{"range", format("bytes={}-{}", offset, offset + out.size() - 1)}, {"x-amz-checksum-mode", "ENABLED"}};
  call.sink = out;
  call.expected = {416};  // begins at or behind the end
  call.complaint = [&](const HttpResponse& response) { return range_complaint(response, offset, out); };
  return client_.send(call).sink_bytes;
}

void Bucket::remove(const std::string& key) {
  Call call{"DELETE", key};
  call.expected = {404};
  const HttpResponse response = client_.send(call);
  if (response.status == 404 && error_code(response) == "NoSuchBucket")
    throw PluginError(TRAINHOST_NOT_FOUND, format("{}: the bucket is not there", client_.location().name(key)));
}

void Bucket::list(const std::string& prefix, const std::function<bool(const ListedObject&)>& visit) {
  Call call{"GET", "", {{"list-type", "2"}, {"encoding-type", "url"}, {"prefix", prefix}}};
  ListPage page;
  call.complaint = [&](const HttpResponse& response) {
    auto read = read_object_list(response.body);
    if (!read) return "what came back is no listing";
    page = std::move(*read);
    return "";
  };
  do {
    client_.send(call);
    for (const ListedObject& object : page.objects)
      if (!visit(object)) return;
    call.query["continuation-token"] = page.next;
  } while (!page.next.empty());
}

}  // namespace s3ckpt
