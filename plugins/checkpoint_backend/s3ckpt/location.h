// Where the bucket is: s3://bucket/prefix, an endpoint, and how the two make an address.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace s3ckpt {

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

  /// The key in the bucket. Throws INVALID_ARGUMENT unless the key is one that <trainhost/checkpoint_backend.h> allows.
  std::string bucket_key(std::string_view key) const;
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

bool is_key_valid(std::string_view key);

}  // namespace s3ckpt
