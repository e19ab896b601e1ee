// Text as S3 writes it: percent escapes, hex, dates.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace trainhost::s3 {

/// Everything but [A-Za-z0-9._~-] as %XX, as signatures want it; slashes stay when asked for.
std::string percent_encode(std::string_view text, bool keep_slashes);
/// What is no escape stays as it is.
std::string percent_decode(std::string_view text);

std::string hex(std::span<const unsigned char> bytes);
std::string lower_case(std::string_view text);
std::string_view trim(std::string_view text);

/// "20130524T000000Z".
std::string compact_date(int64_t unix_seconds);
/// "Fri, 24 May 2013 00:00:00 GMT" or "2013-05-24T00:00:00.000Z"; 0 when it is neither.
int64_t parse_date(std::string_view text);

}  // namespace trainhost::s3
