// Writes JSON into a fixed buffer while the compiler runs: the metadata of a plugin is bytes in its file before any code of it runs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace trainhost::detail {

// Never called at run time; reaching one of these while the compiler evaluates a plugin's metadata stops the build with the name as the message.
inline void error_metadata_is_longer_than_16_KiB() {}
inline void error_a_default_or_limit_has_more_than_15_digits_or_is_out_of_range() {}

class JsonText {
 public:
  std::array<char, 16384> bytes{};
  std::size_t size = 0;

  constexpr JsonText& raw(std::string_view text) {
    for (const char c : text) push(c);
    return *this;
  }

  constexpr JsonText& quoted(std::string_view text) {
    push('"');
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') push('\\'), push(c);
      else if (c == '\n') raw("\\n");
      else if (byte < 0x20) raw("\\u00"), push("0123456789abcdef"[byte >> 4]), push("0123456789abcdef"[byte & 15]);
      else push(c);
    }
    push('"');
    return *this;
  }

  constexpr JsonText& integer(std::int64_t value) {
    if (value < 0) push('-');
    return natural(value < 0 ? ~static_cast<std::uint64_t>(value) + 1 : static_cast<std::uint64_t>(value));
  }

  constexpr JsonText& natural(std::uint64_t value) {
    if (value >= 10) natural(value / 10);
    push(static_cast<char>('0' + value % 10));
    return *this;
  }

  // The shortest digits that read back as the value. Exact by construction: a decimal m * 10^e with m <= 2^53 and |e| <= 22 is one correctly rounded
  // multiplication or division away from its double (Clinger 1990), so each candidate is checked by computing it.
  constexpr JsonText& real(double value) {
    if (value < 0) push('-'), value = -value;
    if (value == 0) return raw("0");
    if (!(value < 1e37 && value > 1e-22)) error_a_default_or_limit_has_more_than_15_digits_or_is_out_of_range();
    int exponent = 0;  // value = d.ddd * 10^exponent
    for (double rest = value; rest >= 10; rest /= 10) ++exponent;
    for (double rest = value; rest < 1; rest *= 10) --exponent;
    for (int digits = 1; digits <= 15; ++digits) {
      for (int shift = digits - 2 - exponent; shift <= digits - exponent; ++shift) {  // the exponent may be off by one
        const double scaled = shift < 0 ? value / power(-shift) : value * power(shift);
        if (!(scaled < 1e15)) continue;
        for (auto mantissa = static_cast<std::int64_t>(scaled); mantissa <= static_cast<std::int64_t>(scaled) + 1; ++mantissa)
          if (mantissa > 0 && compose(mantissa, -shift) == value) return decimal(static_cast<std::uint64_t>(mantissa), -shift);
      }
    }
    error_a_default_or_limit_has_more_than_15_digits_or_is_out_of_range();
    return *this;
  }

 private:
  constexpr void push(char c) {
    if (size + 1 >= bytes.size()) error_metadata_is_longer_than_16_KiB();
    bytes[size++] = c;
  }

  static constexpr double power(int exponent) {
    double result = 1;
    for (int i = 0; i < exponent; ++i) result *= 10;
    return result;
  }

  // mantissa * 10^exponent, correctly rounded; -1 where this way cannot promise that.
  static constexpr double compose(std::int64_t mantissa, int exponent) {
    auto m = static_cast<double>(mantissa);
    for (; exponent > 22 && m * 10 <= 9007199254740992.0; --exponent) m *= 10;
    if (exponent < -22 || exponent > 22) return -1;
    return exponent < 0 ? m / power(-exponent) : m * power(exponent);
  }

  constexpr JsonText& decimal(std::uint64_t mantissa, int exponent) {
    for (; mantissa % 10 == 0; ++exponent) mantissa /= 10;
    int digits = 1;
    for (std::uint64_t rest = mantissa; rest >= 10; rest /= 10) ++digits;
    const int point = digits + exponent;  // digits before the point
    if (exponent >= 0 && point <= 15) {
      natural(mantissa);
      for (int i = 0; i < exponent; ++i) push('0');
      return *this;
    }
    if (exponent < 0 && point > -4) {
      std::uint64_t divisor = 1;
      for (int i = 0; i < -exponent; ++i) divisor *= 10;
      natural(mantissa / divisor).push('.');
      std::uint64_t rest = mantissa % divisor;
      for (divisor /= 10; divisor > 0; divisor /= 10) push(static_cast<char>('0' + rest / divisor % 10));
      return *this;
    }
    return natural(mantissa).raw("e").integer(exponent);
  }
};

}  // namespace trainhost::detail
