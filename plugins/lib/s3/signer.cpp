// Canonical request, string to sign, derived key, signature.
#include "s3/signer.h"

#include <trainhost/format.hpp>

#include "s3/digest.h"
#include "s3/text.h"

namespace trainhost::s3 {


namespace {

struct CanonicalHeaders {
  std::string lines, names;
};

CanonicalHeaders canonical(const Pairs& headers) {
  CanonicalHeaders result;
  for (const auto& [name, value] : headers) {
    result.lines += format("{}:{}\n", name, value);
    result.names += (result.names.empty() ? "" : ";") + name;
  }
  return result;
}

Digest signing_key(std::string_view secret, std::string_view day, std::string_view region) {
  const std::string start = format("AWS4{}", secret);
  const std::span<const unsigned char> bytes(reinterpret_cast<const unsigned char*>(start.data()), start.size());
  return hmac_sha256(hmac_sha256(hmac_sha256(hmac_sha256(bytes, day), region), "s3"), "aws4_request");
}

}  // namespace

std::string query_text(const Pairs& query) {
  std::string text;
  for (const auto& [name, value] : query) text += format("{}{}={}", text.empty() ? "" : "&", percent_encode(name, false), percent_encode(value, false));
  return text;
}

Pairs signed_headers(const UnsignedRequest& request, std::string_view payload_hash, const Credentials& credentials, std::string_view region,
                     int64_t unix_seconds) {
  const std::string date = compact_date(unix_seconds), day = date.substr(0, 8);
  const std::string scope = format("{}/{}/s3/aws4_request", day, region);
  Pairs headers = request.headers;
  headers["host"] = request.host;
  headers["x-amz-date"] = date;
  headers["x-amz-content-sha256"] = payload_hash;
  if (!credentials.session_token.empty()) headers["x-amz-security-token"] = credentials.session_token;

  const auto [lines, names] = canonical(headers);
  const std::string canonical_request = format("{}\n{}\n{}\n{}\n{}\n{}", request.method, request.path, query_text(request.query), lines, names, payload_hash);
  const std::string to_sign = format("AWS4-HMAC-SHA256\n{}\n{}\n{}", date, scope, hex(sha256(canonical_request)));
  const std::string signature = hex(hmac_sha256(signing_key(credentials.secret_access_key, day, region), to_sign));
  headers["authorization"] = format("AWS4-HMAC-SHA256 Credential={}/{},SignedHeaders={},Signature={}", credentials.access_key_id, scope, names, signature);
  return headers;
}

}  // namespace trainhost::s3
