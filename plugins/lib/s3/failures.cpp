// S3's codes as statuses and next steps.
#include "s3/failures.h"

#include <algorithm>
#include <iterator>

namespace trainhost::s3 {


namespace {

struct Known {
  std::string_view code;
  trainhost_status status;
  std::string_view advice;
};

// Advice may use {uri}, {endpoint}, {rights}, {origin}, {source}.
constexpr Known kKnown[] = {
    {"NoSuchBucket", TRAINHOST_NOT_FOUND, "create the bucket, or correct {uri}; on a store that is not AWS set {endpoint} too"},
    {"NoSuchKey", TRAINHOST_NOT_FOUND, ""},
    {"NoSuchUpload", TRAINHOST_NOT_FOUND, "somebody aborted the upload; look at the bucket's lifecycle rules"},
    {"SignatureDoesNotMatch", TRAINHOST_PERMISSION_DENIED, "the secret key does not belong to this access key id; correct the credentials from {source}"},
    {"InvalidAccessKeyId", TRAINHOST_PERMISSION_DENIED,
     "{origin} does not know this access key id; correct the credentials from {source}, or {endpoint}"},
    {"ExpiredToken", TRAINHOST_PERMISSION_DENIED, "the session token from {source} has expired; get a new one"},
    {"InvalidToken", TRAINHOST_PERMISSION_DENIED, "the session token from {source} is not valid here; get a new one, or unset AWS_SESSION_TOKEN"},
    {"RequestTimeTooSkewed", TRAINHOST_FAILED_PRECONDITION, "set this machine's clock"},
    {"AccessDenied", TRAINHOST_PERMISSION_DENIED, "allow it to the credentials from {source}: {rights}"},
    {"QuotaExceeded", TRAINHOST_RESOURCE_EXHAUSTED, "raise the quota or make room"},
    {"InsufficientCapacity", TRAINHOST_RESOURCE_EXHAUSTED, "make room"},
    {"XMinioStorageFull", TRAINHOST_RESOURCE_EXHAUSTED, "make room"},
    {"EntityTooLarge", TRAINHOST_RESOURCE_EXHAUSTED, "lower part_bytes"},
    {"InvalidObjectState", TRAINHOST_FAILED_PRECONDITION, "the object was moved to an archive; restore it first"},
    {"PreconditionFailed", TRAINHOST_ALREADY_EXISTS, ""},
};

// Sent with a status below 500, and yet passing.
constexpr std::string_view kPassing[] = {"RequestTimeout",
                                         "SlowDown",
                                         "TooManyRequests",
                                         "Throttling",
                                         "ThrottlingException",
                                         "InternalError",
                                         "ServiceUnavailable",
                                         "OperationAborted",
                                         "ConditionalRequestConflict",
                                         "BadDigest",
                                         "XAmzContentSHA256Mismatch",
                                         "IncompleteBody"};

/// Where a redirect leads, in words; empty when the answer is none.
std::string region_advice(const Failure& about, const HttpResponse& response, const std::optional<ErrorAnswer>& answer) {
  const std::string code = answer ? answer->code : "";
  const bool is_redirect =
      response.status == 301 || response.status == 307 || code == "AuthorizationHeaderMalformed" || code == "IllegalLocationConstraintException";
  std::string region = response.header("x-amz-bucket-region");
  if (region.empty() && answer) region = answer->region;
  const bool is_elsewhere = !region.empty() && region != about.region && (is_redirect || response.status == 400);
  if (!is_redirect && !is_elsewhere) return {};
  if (region.empty())
    return format("this is not the bucket's region (asked {} as \"{}\"); set {} to the one where the bucket was made", about.origin, about.region, about.wording.region);
  return format("the bucket is in region \"{}\", not \"{}\"; set {} = \"{}\" or AWS_REGION", region, about.region, about.wording.region, region);
}

std::string fill_in(std::string advice, const Failure& about) {
  for (const auto& [name, value] :
       {std::pair<std::string_view, const std::string&>{"{uri}", about.wording.uri}, {"{endpoint}", about.wording.endpoint}, {"{rights}", about.wording.rights},
        {"{origin}", about.origin}, {"{source}", about.source}})
    if (const size_t at = advice.find(name); at != std::string::npos) advice.replace(at, name.size(), value);
  return advice;
}

PluginError connection_failure(const Failure& about, const HttpResponse& response) {
  const std::string what = format("{}: {}: {}: {}", about.place, about.operation, about.origin, response.problem_words);
  switch (response.problem) {
    case HttpResponse::Problem::kTransient: return PluginError(TRAINHOST_UNAVAILABLE, format("{}; is the endpoint up, and right in {}?", what, about.wording.endpoint));
    default:
      return PluginError(TRAINHOST_FAILED_PRECONDITION,
                         format("{}; correct {}, or let AWS_CA_BUNDLE name the certificates that it is to be trusted by", what, about.wording.endpoint));
  }
}

trainhost_status status_of(long http) {
  if (http == 401 || http == 403) return TRAINHOST_PERMISSION_DENIED;
  if (http == 404) return TRAINHOST_NOT_FOUND;
  if (http == 409 || http == 412) return TRAINHOST_ALREADY_EXISTS;
  if (http == 501) return TRAINHOST_UNIMPLEMENTED;
  if (http == 507) return TRAINHOST_RESOURCE_EXHAUSTED;
  return TRAINHOST_FAILED_PRECONDITION;
}

}  // namespace

std::string error_code(const HttpResponse& response) {
  if (const auto answer = read_error(response.body); answer && !answer->code.empty()) return answer->code;
  if (response.status == 403) return "AccessDenied";
  if (response.status == 412) return "PreconditionFailed";
  return {};
}

bool is_transient(const HttpResponse& response) {
  if (response.problem != HttpResponse::Problem::kNone) return response.problem == HttpResponse::Problem::kTransient;
  if (response.status == 408 || response.status == 429 || (response.status >= 500 && response.status != 501 && response.status != 507)) return true;
  const std::string code = error_code(response);
  return std::find(std::begin(kPassing), std::end(kPassing), code) != std::end(kPassing);
}

PluginError failure(const Failure& about, const HttpResponse& response) {
  if (response.problem != HttpResponse::Problem::kNone) return connection_failure(about, response);
  const std::optional<ErrorAnswer> answer = read_error(response.body);
  const std::string code = error_code(response), advice = region_advice(about, response, answer);
  std::string what = format("{}: {}: HTTP {}{}{}", about.place, about.operation, response.status, code.empty() ? "" : " ", code);
  if (answer && !answer->message.empty()) what += format(": {}", std::string_view(answer->message).substr(0, 160));  // the next step must fit the host's buffer
  if (!advice.empty()) return PluginError(TRAINHOST_INVALID_ARGUMENT, what + "; " + advice);
  if (is_transient(response)) return PluginError(TRAINHOST_UNAVAILABLE, what + "; the store is busy or ill");
  const auto known = std::find_if(std::begin(kKnown), std::end(kKnown), [&](const Known& candidate) { return candidate.code == code; });
  if (known == std::end(kKnown)) return PluginError(status_of(response.status), what);
  return PluginError(known->status, what + (known->advice.empty() ? "" : "; ") + fill_in(std::string(known->advice), about));
}

}  // namespace trainhost::s3
