// The chain of sources, and the cache before it.
#include "s3/credentials.h"

#include <trainhost/cpp/error.hpp>

#include "s3/metadata_service.h"

namespace trainhost::s3 {


namespace {

constexpr int64_t kRenewBefore = 300, kBetweenTries = 30;  // seconds; services renew theirs at least five minutes ahead

bool is_whole(const Credentials& keys) { return !keys.access_key_id.empty() && !keys.secret_access_key.empty(); }

Credentials of_profile(const Environment& environment, const Profile& profile) {
  const auto value = [&](const char* name) {
    const auto found = profile.find(name);
    return found == profile.end() ? std::string() : found->second;
  };
  const Credentials keys{value("aws_access_key_id"), value("aws_secret_access_key"), value("aws_session_token")};
  if (is_whole(keys)) return keys;
  for (const char* name : {"credential_process", "sso_session", "sso_start_url", "role_arn"})
    if (profile.contains(name))
      throw PluginError(TRAINHOST_UNIMPLEMENTED, format("the AWS profile \"{}\" gets its keys through {}, which is not read here; export them with `aws "
                                                        "configure export-credentials --format env`, or use an instance role",
                                                        environment("AWS_PROFILE").empty() ? "default" : environment("AWS_PROFILE"), name));
  return {};
}

}  // namespace

FoundCredentials find_credentials(Transport& transport, const Environment& environment, const std::function<bool()>& is_unwanted) {
  const Credentials own{environment("AWS_ACCESS_KEY_ID"), environment("AWS_SECRET_ACCESS_KEY"), environment("AWS_SESSION_TOKEN")};
  if (is_whole(own)) return {own, 0, "the environment"};
  if (own.access_key_id.empty() != own.secret_access_key.empty())
    throw PluginError(TRAINHOST_INVALID_ARGUMENT,
                      "of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only one is set; set both, or none to use a profile or an instance role");
  if (const Credentials keys = of_profile(environment, read_profile(environment)); is_whole(keys)) return {keys, 0, "the AWS profile"};
  const MetadataService service(transport, environment, is_unwanted);
  if (service.is_in_container()) return service.container_credentials();
  if (auto keys = service.instance_credentials()) return std::move(*keys);
  throw PluginError(TRAINHOST_PERMISSION_DENIED,
                    "no AWS credentials found: looked in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, in ~/.aws/credentials and ~/.aws/config, "
                    "and at the instance metadata service; set the two variables, AWS_PROFILE, or give the machine a role");
}

Credentials CredentialSource::get() {
  const std::lock_guard lock(mutex_);
  const int64_t now = clock_();
  const bool has_any = is_whole(found_.keys), is_ending = found_.expires_unix_seconds != 0 && now > found_.expires_unix_seconds - kRenewBefore;
  if (has_any && (!is_ending || (now < next_try_ && now < found_.expires_unix_seconds))) return found_.keys;
  try {
    found_ = fetch_();
  } catch (const PluginError&) {
    if (!has_any || now >= found_.expires_unix_seconds) throw;
    next_try_ = now + kBetweenTries;
  }
  return found_.keys;
}

bool CredentialSource::replace(const Credentials& expired) {
  const std::lock_guard lock(mutex_);
  if (found_.keys == expired) found_ = fetch_();  // else another thread was faster
  return found_.keys != expired;
}

std::string CredentialSource::source() const {
  const std::lock_guard lock(mutex_);
  return found_.source;
}

}  // namespace trainhost::s3
