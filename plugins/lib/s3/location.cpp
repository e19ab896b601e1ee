// URIs and endpoints, checked.
#include "s3/location.h"

#include <algorithm>

#include <trainhost/cpp/error.hpp>

#include "s3/text.h"

namespace trainhost::s3 {


namespace {

constexpr size_t kMaxPrefix = 500;  // S3 takes 1024 bytes in all
constexpr std::string_view kAlphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

bool consists_of(std::string_view text, std::string_view more) {
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return kAlphanumeric.find(c) != std::string_view::npos || more.find(c) != std::string_view::npos; });
}

}  // namespace

bool has_plain_parts(std::string_view path) {
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return false;
    begin = end + 1;
  }
  return true;
}

bool is_bucket_name(std::string_view name) { return name.size() >= 3 && name.size() <= 255 && consists_of(name, "._-"); }

Place Place::parse(std::string_view uri) {
  constexpr std::string_view kScheme = "s3://";
  if (uri.empty()) return {};
  std::string_view rest = uri.starts_with(kScheme) ? uri.substr(kScheme.size()) : std::string_view();
  while (rest.ends_with('/')) rest.remove_suffix(1);
  const size_t slash = std::min(rest.find('/'), rest.size());
  Place place{std::string(rest.substr(0, slash)), std::string(slash < rest.size() ? rest.substr(slash + 1) : std::string_view())};
  const bool is_prefix = place.prefix.empty() || (place.prefix.size() <= kMaxPrefix && has_plain_parts(place.prefix));
  if (is_bucket_name(place.bucket) && is_prefix) return place;
  throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("uri: wanted s3://BUCKET/PREFIX, the bucket of 3 or more letters, digits, dots and hyphens, the prefix "
                                                       "without empty, \".\" or \"..\" parts; got \"{}\"",
                                                       uri));
}

Endpoint Endpoint::parse(std::string_view url, std::string_view where) {
  Endpoint endpoint;
  endpoint.is_tls = url.starts_with("https://");
  std::string_view rest = endpoint.is_tls ? url.substr(8) : url.starts_with("http://") ? url.substr(7) : std::string_view();
  while (rest.ends_with('/')) rest.remove_suffix(1);
  const size_t slash = std::min(rest.find('/'), rest.size());
  std::string_view host = rest.substr(0, slash);
  if (host.empty() || !consists_of(host, ".-_:[]"))
    throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("{}: wanted http://HOST or https://HOST, with :PORT where needed, got \"{}\"", where, url));
  const std::string_view own_port = endpoint.is_tls ? ":443" : ":80";
  if (host.ends_with(own_port)) host.remove_suffix(own_port.size());
  endpoint.host = host;
  endpoint.base_path = percent_encode(rest.substr(slash), true);
  return endpoint;
}

Location::Location(Place place, Endpoint endpoint, std::string region, bool is_path_style)
    : place_(std::move(place)),
      endpoint_(std::move(endpoint)),
      region_(std::move(region)),
      host_(is_path_style ? endpoint_.host : place_.bucket + "." + endpoint_.host),
      root_(place_.prefix.empty() ? "" : place_.prefix + "/"),
      is_path_style_(is_path_style) {}

std::string Location::path(std::string_view bucket_key) const {
  const std::string bucket = is_path_style_ ? "/" + percent_encode(place_.bucket, false) : "";
  return endpoint_.base_path + bucket + (bucket.empty() || !bucket_key.empty() ? "/" : "") + percent_encode(bucket_key, true);
}

std::string Location::name(std::string_view bucket_key) const { return format("s3://{}{}{}", place_.bucket, bucket_key.empty() ? "" : "/", bucket_key); }

}  // namespace trainhost::s3
