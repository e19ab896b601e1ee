// Escapes and dates.
#include "s3/text.h"

#include <algorithm>
#include <cctype>
#include <ctime>

namespace trainhost::s3 {
namespace {

constexpr std::string_view kUpperHex = "0123456789ABCDEF";

bool is_unreserved(unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == '~'; }

int hex_value(char c) {
  const size_t at = kUpperHex.find(static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

}  // namespace

std::string percent_encode(std::string_view text, bool keep_slashes) {
  std::string encoded;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (is_unreserved(byte) || (keep_slashes && byte == '/'))
      encoded += character;
    else
      encoded.append({'%', kUpperHex[byte >> 4], kUpperHex[byte & 15]});
  }
  return encoded;
}

std::string percent_decode(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
    if (low >= 0)
      decoded += static_cast<char>(high * 16 + low), i += 2;
    else
      decoded += text[i] == '+' ? ' ' : text[i];
  }
  return decoded;
}

std::string hex(std::span<const unsigned char> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) text.append({kDigits[byte >> 4], kDigits[byte & 15]});
  return text;
}

std::string lower_case(std::string_view text) {
  std::string lowered(text);
  std::transform(lowered.begin(), lowered.end(), lowered.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lowered;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

std::string compact_date(int64_t unix_seconds) {
  const std::time_t time = unix_seconds;
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  char text[32];
  return std::string(text, std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts));
}

int64_t parse_date(std::string_view text) {
  const std::string copy(text);
  for (const char* pattern : {"%a, %d %b %Y %H:%M:%S", "%Y-%m-%dT%H:%M:%S"}) {
    std::tm parts{};
    if (::strptime(copy.c_str(), pattern, &parts)) return ::timegm(&parts);
  }
  return 0;
}

}  // namespace trainhost::s3
