// Where the bucket is: s3://bucket/prefix, an endpoint, and how the two make an address.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace trainhost::s3 {

/// The bucket and the prefix of "s3://bucket/prefix"; both empty for an empty URI. Throws INVALID_ARGUMENT.
struct Place {
  std::string bucket, prefix;
  static Place parse(std::string_view uri);
};

struct Endpoint {
  bool is_tls = true;
  std::string host;       // with the port when it is not the scheme's own
  std::string base_path;  // "" or "/x"
  /// "http://127.0.0.1:9000". Throws INVALID_ARGUMENT with `where` in front.
  static Endpoint parse(std::string_view url, std::string_view where);
};

class Location {
 public:
  Location(Place place, Endpoint endpoint, std::string region, bool is_path_style);

  const std::string& region() const { return region_; }
  const std::string& host() const { return host_; }
  bool is_tls() const { return endpoint_.is_tls; }
  std::string origin() const { return (endpoint_.is_tls ? "https://" : "http://") + host_; }

  /// All keys of this place begin with it: "prefix/", or "".
  const std::string& root() const { return root_; }
  /// The escaped path of a key of the bucket; of the bucket itself when it is empty.
  std::string path(std::string_view bucket_key) const;
  /// "s3://bucket/key", for messages.
  std::string name(std::string_view bucket_key) const;

 private:
  Place place_;
  Endpoint endpoint_;
  std::string region_, host_, root_;
  bool is_path_style_;
};

/// Whether no part between slashes is empty, "." or "..".
bool has_plain_parts(std::string_view path);
/// Whether it may be the name of a bucket: 3 to 255 letters, digits, dots, hyphens and underscores.
bool is_bucket_name(std::string_view name);

}  // namespace trainhost::s3
