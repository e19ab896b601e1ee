// GET, HEAD and listings.
#include "s3/reader.h"

#include <algorithm>
#include <cstdio>

#include "files/crc32c.h"
#include "s3/digest.h"

namespace trainhost::s3 {
namespace {

struct ContentRange {
  uint64_t first = 0, last = 0, total = 0;
};

/// "bytes 0-99/1234".
std::optional<ContentRange> parse_range(const std::string& text) {
  unsigned long long first, last, total;
  if (std::sscanf(text.c_str(), "bytes %llu-%llu/%llu", &first, &last, &total) != 3) return std::nullopt;
  return ContentRange{first, last, total};
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

Call ranged_get(const std::string& key, uint64_t offset, std::span<std::byte> out) {
  Call call{"GET", key};
  call.headers = {{"range", format("bytes={}-{}", offset, offset + out.size() - 1)}, {"x-amz-checksum-mode", "ENABLED"}};
  call.sink = out;
  call.expected = {416};  // begins at or behind the end
  call.complaint = [offset, out](const HttpResponse& response) { return range_complaint(response, offset, out); };
  return call;
}

/// Words when a good answer is of another object than the one that was listed. A store may ignore If-Match.
std::string change_words(const HttpResponse& response, const ObjectFacts& facts) {
  if (response.status == 404) return "it is gone";
  const std::string etag = response.header("etag");
  const auto range = parse_range(response.header("content-range"));
  if (response.status == 412 || (!etag.empty() && !facts.etag.empty() && etag != facts.etag))
    return format("its ETag was {}{}{}", facts.etag, etag.empty() || etag == facts.etag ? "" : ", now it is ", etag == facts.etag ? "" : etag);
  if (response.status == 416 || (range && range->total != facts.size)) return format("it had {} bytes{}", facts.size, range ? format(", now {}", range->total) : "");
  return {};
}

}  // namespace

void Reader::check(unsigned tries) {
  Call call{"GET", "", {{"list-type", "2"}, {"max-keys", "1"}, {"prefix", client_.location().root()}}};
  call.complaint = [](const HttpResponse& response) {
    return read_object_list(response.body) ? "" : "no listing of a bucket came back; does an S3 server answer there?";
  };
  call.tries = tries;
  client_.send(call);
}

std::optional<HttpResponse> Reader::head(const std::string& key) {
  Call call{"HEAD", key};
  call.expected = {404};
  HttpResponse response = client_.send(call);
  if (response.status == 404) return std::nullopt;
  return response;
}

std::optional<ObjectFacts> Reader::find(const std::string& key) {
  const auto response = head(key);
  if (!response) return std::nullopt;
  return ObjectFacts{std::strtoull(response->header("content-length").c_str(), nullptr, 10), response->header("etag")};
}

size_t Reader::get(const std::string& key, uint64_t offset, std::span<std::byte> out) {
  if (!out.empty()) return client_.send(ranged_get(key, offset, out)).sink_bytes;
  if (!find(key)) throw PluginError(TRAINHOST_NOT_FOUND, format("{}: is not there", client_.location().name(key)));
  return 0;
}

void Reader::get_same(const std::string& key, const ObjectFacts& facts, uint64_t offset, std::span<std::byte> out, const std::function<bool()>& is_unwanted) {
  if (out.empty()) return;
  Call call = ranged_get(key, offset, out);
  if (!facts.etag.empty()) call.headers["if-match"] = facts.etag;
  call.expected = {404, 412, 416};
  call.is_unwanted = is_unwanted;
  call.complaint = [&, complaint = call.complaint](const HttpResponse& response) {
    return change_words(response, facts).empty() ? complaint(response) : std::string();  // another object is no damage on the way
  };
  const HttpResponse response = client_.send(call);
  const std::string changed = change_words(response, facts);
  if (changed.empty() && response.sink_bytes == out.size()) return;
  throw PluginError(TRAINHOST_DATA_LOSS, format("{}: the object changed since the run began: {}; restore it, or begin a new run with the changed data", client_.location().name(key),
                                                changed.empty() ? format("bytes {} to {} are not there", offset, offset + out.size()) : changed));
}

void Reader::list(const std::string& prefix, const std::function<bool(const ListedObject&)>& visit) {
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

}  // namespace trainhost::s3
