#include "remote/buckets.h"

#include <trainhost/cpp/error.hpp>

#include "s3/settings.h"

namespace trainhost::remote {

ObjectName ObjectName::parse(std::string_view uri, std::string_view config_key) {
  constexpr std::string_view kScheme = "s3://";
  const std::string_view rest = uri.starts_with(kScheme) ? uri.substr(kScheme.size()) : std::string_view();
  const size_t slash = std::min(rest.find('/'), rest.size());
  ObjectName name{std::string(rest.substr(0, slash)), std::string(rest.substr(std::min(slash + 1, rest.size())))};
  if (s3::is_bucket_name(name.bucket) && !name.key.empty()) return name;
  throw PluginError(TRAINHOST_INVALID_ARGUMENT,
                    format("{}: wanted s3://BUCKET/KEY, the bucket of 3 or more letters, digits, dots and hyphens, without wildcards; got \"{}\"", config_key, uri));
}

s3::Reader& Buckets::reader(const std::string& bucket) {
  const std::lock_guard lock(mutex_);
  Bucket& found = buckets_[bucket];
  if (found.reader) return *found.reader;
  s3::ClientOptions client_options;
  client_options.wording = {plugin_ + ".files", plugin_ + ".s3_endpoint", plugin_ + ".s3_region", "s3:GetObject, s3:ListBucket"};
  const s3::StoreSettings settings{options_.s3_endpoint, options_.s3_region, options_.s3_path_style};
  found.client = std::make_unique<s3::Client>(s3::locate({bucket, ""}, settings, client_options.wording, s3::environment_variable), client_options, s3::environment_variable, host_);
  found.reader = std::make_unique<s3::Reader>(*found.client);
  return *found.reader;
}

}  // namespace trainhost::remote
