// Temporary keys that the machine hands out: EC2 instance metadata (version 2), and the endpoint of ECS and EKS containers.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "s3/credentials.h"

namespace trainhost::s3 {

/// AWS_EC2_METADATA_SERVICE_ENDPOINT, AWS_EC2_METADATA_DISABLED, AWS_CONTAINER_CREDENTIALS_FULL_URI and _RELATIVE_URI, AWS_CONTAINER_AUTHORIZATION_TOKEN
/// and _TOKEN_FILE are read as everywhere.
class MetadataService {
 public:
  MetadataService(Transport& transport, const Environment& environment, const std::function<bool()>& is_unwanted)
      : transport_(transport), environment_(environment), is_unwanted_(is_unwanted) {}

  bool is_in_container() const;
  /// Throws UNAVAILABLE, PERMISSION_DENIED.
  FoundCredentials container_credentials() const;
  /// Nothing where no metadata service answers, or the instance has no role.
  std::optional<FoundCredentials> instance_credentials() const;

 private:
  HttpResponse ask(const std::string& method, const std::string& url, const Pairs& headers) const;
  HttpResponse ask_patiently(const std::string& method, const std::string& url, const Pairs& headers) const;
  std::string container_url() const;

  Transport& transport_;
  const Environment& environment_;
  const std::function<bool()>& is_unwanted_;
};

}  // namespace trainhost::s3
