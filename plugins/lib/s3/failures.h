// What went wrong, in words that say what to do next, with the status that the host acts on.
#pragma once
#include <string>
#include <string_view>

#include <trainhost/cpp/error.hpp>

#include "s3/answers.h"
#include "s3/transport.h"

namespace trainhost::s3 {

/// What the user calls things, for the next step that a message names.
struct Wording {
  std::string uri;       // the key that holds the URI: "checkpoint.uri"
  std::string endpoint;  // "[s3ckpt] endpoint"
  std::string region;    // "[s3ckpt] region"
  std::string rights;    // what the credentials must allow: "s3:GetObject, s3:ListBucket"
};

/// One request that did not succeed.
struct Failure {
  std::string place;      // "s3://bucket/key"
  std::string operation;  // "PUT"
  std::string origin;     // "https://s3.eu-central-1.amazonaws.com"
  std::string region;     // the one that was signed for
  std::string source;     // of the credentials: "the environment"
  const Wording& wording;
};

/// The code of S3; made up from the status where there is no body, as after HEAD.
std::string error_code(const HttpResponse& response);

/// Whether the same request may well succeed a little later.
bool is_transient(const HttpResponse& response);

/// UNAVAILABLE for what is transient, else the status that fits. Names place, operation, HTTP status, S3's code and words, and a next step.
PluginError failure(const Failure& about, const HttpResponse& response);

}  // namespace trainhost::s3
