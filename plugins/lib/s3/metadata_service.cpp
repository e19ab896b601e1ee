// Short time limits: on a machine without the service nobody should wait for it.
#include "s3/metadata_service.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include <nlohmann/json.hpp>

#include <trainhost/cpp/error.hpp>

#include "s3/location.h"
#include "s3/text.h"

namespace trainhost::s3 {


namespace {

constexpr unsigned kTries = 3;

FoundCredentials parse(const HttpResponse& answer, const std::string& source) {
  const auto document = nlohmann::json::parse(answer.body, nullptr, false);
  const auto text = [&](const char* name) {
    return document.is_object() && document.contains(name) && document[name].is_string() ? document[name].get<std::string>() : std::string();
  };
  FoundCredentials found{{text("AccessKeyId"), text("SecretAccessKey"), text("Token")}, parse_date(text("Expiration")), source};
  if (!found.keys.access_key_id.empty() && !found.keys.secret_access_key.empty()) return found;
  throw PluginError(TRAINHOST_PERMISSION_DENIED,
                    format("{}: the answer holds no keys (HTTP {}, code \"{}\"); look at the role of this machine", source, answer.status, text("Code")));
}

[[noreturn]] void fail(const std::string& source, const HttpResponse& answer) {
  const std::string what = answer.problem_words.empty() ? format("HTTP {}", answer.status) : answer.problem_words;
  throw PluginError(answer.status == 401 || answer.status == 403 ? TRAINHOST_PERMISSION_DENIED : TRAINHOST_UNAVAILABLE,
                    format("{}: {}; is the service up, and does this machine have a role?", source, what));
}

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return std::string(trim(line));
}

}  // namespace

HttpResponse MetadataService::ask(const std::string& method, const std::string& url, const Pairs& headers) const {
  HttpRequest request{method, url, headers};
  request.connect_seconds = 1, request.stall_seconds = 5, request.is_local = true;
  return transport_.send(request, is_unwanted_);
}

HttpResponse MetadataService::ask_patiently(const std::string& method, const std::string& url, const Pairs& headers) const {
  for (unsigned number = 1;; ++number) {
    HttpResponse answer = ask(method, url, headers);
    const bool is_transient = answer.problem == HttpResponse::Problem::kTransient || answer.status >= 500 || answer.status == 429;
    if (!is_transient || number == kTries) return answer;
  }
}

bool MetadataService::is_in_container() const {
  return !environment_("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").empty() || !environment_("AWS_CONTAINER_CREDENTIALS_FULL_URI").empty();
}

std::string MetadataService::container_url() const {
  if (const std::string relative = environment_("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); !relative.empty()) return "http://169.254.170.2" + relative;
  const std::string url = environment_("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  const Endpoint endpoint = Endpoint::parse(url.substr(0, url.find('/', 8)), "AWS_CONTAINER_CREDENTIALS_FULL_URI");
  // Keys travel in the clear over http, so only to where no network is in between.
  const std::string host = endpoint.host.substr(0, endpoint.host.starts_with('[') ? endpoint.host.find(']') + 1 : endpoint.host.find(':'));
  constexpr std::string_view kNear[] = {"127.0.0.1", "localhost", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};
  if (endpoint.is_tls || std::find(std::begin(kNear), std::end(kNear), host) != std::end(kNear)) return url;
  throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("AWS_CONTAINER_CREDENTIALS_FULL_URI: {} is not on this machine; use https for it", host));
}

FoundCredentials MetadataService::container_credentials() const {
  const std::string source = "the container's credentials endpoint", url = container_url();
  const std::string file = environment_("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  const std::string token = file.empty() ? environment_("AWS_CONTAINER_AUTHORIZATION_TOKEN") : first_line(file);
  const HttpResponse answer = ask_patiently("GET", url, token.empty() ? Pairs{} : Pairs{{"authorization", token}});
  if (!answer.is_good()) fail(source, answer);
  return parse(answer, source);
}

std::optional<FoundCredentials> MetadataService::instance_credentials() const {
  if (lower_case(environment_("AWS_EC2_METADATA_DISABLED")) == "true") return std::nullopt;
  const std::string own = environment_("AWS_EC2_METADATA_SERVICE_ENDPOINT"), source = "the instance metadata service";
  std::string base = own.empty() ? "http://169.254.169.254" : own;
  while (base.ends_with('/')) base.pop_back();
  const HttpResponse token = ask("PUT", base + "/latest/api/token", {{"x-aws-ec2-metadata-token-ttl-seconds", "21600"}});
  if (!token.is_good() && own.empty() && token.status == 0) return std::nullopt;  // not on EC2
  if (!token.is_good()) fail(source, token);
  const Pairs headers{{"x-aws-ec2-metadata-token", std::string(trim(token.body))}};
  const std::string roles = base + "/latest/meta-data/iam/security-credentials/";
  const HttpResponse role = ask_patiently("GET", roles, headers);
  if (role.status == 404) return std::nullopt;  // an instance without a role
  if (!role.is_good()) fail(source, role);
  const HttpResponse answer = ask_patiently("GET", roles + percent_encode(trim(role.body.substr(0, role.body.find('\n'))), false), headers);
  if (!answer.is_good()) fail(source, answer);
  return parse(answer, source);
}

}  // namespace trainhost::s3
