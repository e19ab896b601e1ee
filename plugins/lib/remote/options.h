// What a user may say about data in buckets, the same in every source.
#pragma once
#include <optional>
#include <string>

#include <trainhost/plugin.hpp>

namespace trainhost::remote {

struct RemoteOptions {
  std::string s3_endpoint, s3_region;
  std::optional<bool> s3_path_style;
  std::string cache_dir, cache_limit = "10GB";
};

/// Adds the keys of data in buckets to the schema of a plugin whose Config derives from RemoteOptions.
template <class Config>
constexpr Schema<Config> with_remote_keys(Schema<Config> schema) {
  const auto member = []<class T>(T RemoteOptions::*of_remote) constexpr { return static_cast<T Config::*>(of_remote); };
  return schema
      .key("s3_endpoint", member(&RemoteOptions::s3_endpoint), "s3://: http(s)://HOST[:PORT] of a store that is not AWS; else AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile",
           no_trajectory)
      .key("s3_region", member(&RemoteOptions::s3_region), "s3://: region to sign for; else AWS_REGION, the profile; us-east-1 where only an endpoint is given", no_trajectory)
      .key("s3_path_style", member(&RemoteOptions::s3_path_style), "s3://: bucket in the path, not in the host name; default: true with an endpoint, false on AWS", no_trajectory)
      .key("cache_dir", member(&RemoteOptions::cache_dir), "s3://: where what was read is kept for all processes of this machine; empty = objects in the cache folder", no_trajectory)
      .key("cache_limit", member(&RemoteOptions::cache_limit), "s3://: how large that may get, such as 500MB, 10GB or 1TB; 0 = nothing is kept", no_trajectory);
}

}  // namespace trainhost::remote
