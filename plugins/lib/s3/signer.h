// AWS Signature Version 4, as S3 wants it: the path is escaped once, the payload's hash is a header. Own code because curl's signer differs from release
// to release in what it escapes and sorts, and because only a signer of our own can be held against published examples.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace trainhost::s3 {

/// Never part of a log line or an error.
struct Credentials {
  std::string access_key_id, secret_access_key, session_token;
  bool operator==(const Credentials&) const = default;
};

using Pairs = std::map<std::string, std::string>;

struct UnsignedRequest {
  std::string method;
  std::string host;    // as in the header: with the port when it is not the scheme's own
  std::string path;    // escaped
  Pairs query = {};    // not escaped; names are plain words
  Pairs headers = {};  // names in lower case, values without spaces at the ends
};

inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";

/// "a=1&b=%2F", in the order that is signed.
std::string query_text(const Pairs& query);

/// The headers of the request and those that the signature adds, host included. payload_hash: SHA-256 in hex, or kUnsignedPayload.
Pairs signed_headers(const UnsignedRequest& request, std::string_view payload_hash, const Credentials& credentials, std::string_view region,
                     int64_t unix_seconds);

}  // namespace trainhost::s3
