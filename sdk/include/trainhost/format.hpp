// trainhost::format("{} of {:>6}: {:.4g}", name, count, value): the part of std::format that messages need, small and quick to compile.
//
// A placeholder is {} or {:spec} with spec = [[fill]<>^][+][0][width][.precision][type]; type: d x f e g s. {{ and }} are braces. A double without a
// spec is printed in the shortest form that reads back as the same value. A mistake never throws: too few values print "{missing}", too many
// "{2 unused}", a spec that is not understood "{?spec}".
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace trainhost {
namespace detail {

struct FormatArgument {
  enum class Kind { kText, kBool, kCharacter, kSigned, kUnsigned, kFloat, kDouble } kind;
  std::string_view text{};
  std::int64_t integer = 0;
  double real = 0;

  template <class T>
  static FormatArgument of(const T& value) {
    if constexpr (std::is_same_v<T, bool>) return {Kind::kBool, value ? "true" : "false"};
    else if constexpr (std::is_same_v<T, char>) return {Kind::kCharacter, std::string_view(&value, 1)};
    else if constexpr (std::is_same_v<T, float>) return {Kind::kFloat, {}, 0, value};
    else if constexpr (std::is_floating_point_v<T>) return {Kind::kDouble, {}, 0, static_cast<double>(value)};
    else if constexpr (std::is_enum_v<T>) return {Kind::kSigned, {}, static_cast<std::int64_t>(value)};
    else if constexpr (std::is_integral_v<T>)
      return {std::is_signed_v<T> ? Kind::kSigned : Kind::kUnsigned, {}, static_cast<std::int64_t>(value)};
    else if constexpr (std::is_pointer_v<T>) return {Kind::kText, value ? std::string_view(value) : "(null)"};
    else if constexpr (std::is_convertible_v<const T&, std::string_view>) return {Kind::kText, std::string_view(value)};
    else return {Kind::kText, std::string_view(value.native())};  // std::filesystem::path
  }
};

struct FormatSpec {
  std::string_view fill = " ";
  char align = 0, type = 0;
  bool plus = false, zero = false;
  int width = 0, precision = -1;

  bool parse(std::string_view spec) {
    const auto is_align = [](char c) { return c == '<' || c == '>' || c == '^'; };
    std::size_t first = 1;  // bytes of the fill, which may be any UTF-8 character
    while (first < spec.size() && (spec[first] & 0xC0) == 0x80) ++first;
    if (first < spec.size() && is_align(spec[first])) fill = spec.substr(0, first), align = spec[first], spec.remove_prefix(first + 1);
    else if (!spec.empty() && is_align(spec[0])) align = spec[0], spec.remove_prefix(1);
    if (spec.starts_with('+')) plus = true, spec.remove_prefix(1);
    if (spec.starts_with('0')) zero = true, spec.remove_prefix(1);
    if (!spec.empty() && spec[0] >= '1' && spec[0] <= '9' && !number(spec, width)) return false;
    if (spec.starts_with('.') && (spec.remove_prefix(1), !number(spec, precision))) return false;
    if (spec.size() == 1 && std::string_view("dxfegs").find(spec[0]) != std::string_view::npos) type = spec[0], spec.remove_prefix(1);
    return spec.empty() && width <= 256 && precision <= 64;
  }
  static bool number(std::string_view& spec, int& out) {
    const auto [end, error] = std::from_chars(spec.data(), spec.data() + spec.size(), out);
    spec.remove_prefix(static_cast<std::size_t>(end - spec.data()));
    return error == std::errc();
  }
};

inline std::string format_real(const FormatArgument& value, const FormatSpec& spec) {
  char buffer[512];  // the longest double in fixed form is 310 digits, then at most 64 behind the point
  const auto form = spec.type == 'f' ? std::chars_format::fixed : spec.type == 'e' ? std::chars_format::scientific : std::chars_format::general;
  char* end = buffer;
  if (spec.precision >= 0 || spec.type) end = std::to_chars(buffer, buffer + sizeof buffer, value.real, form, spec.precision < 0 ? 6 : spec.precision).ptr;
  else if (value.kind == FormatArgument::Kind::kFloat) end = std::to_chars(buffer, buffer + sizeof buffer, static_cast<float>(value.real)).ptr;
  else end = std::to_chars(buffer, buffer + sizeof buffer, value.real).ptr;
  return std::string(buffer, end);
}

inline void format_one(std::string& out, const FormatArgument& value, const FormatSpec& spec) {
  using Kind = FormatArgument::Kind;
  std::string text;
  const bool is_real = value.kind == Kind::kFloat || value.kind == Kind::kDouble;
  const bool is_number = is_real || value.kind == Kind::kSigned || value.kind == Kind::kUnsigned;
  if (is_real || (is_number && (spec.type == 'f' || spec.type == 'e' || spec.type == 'g'))) {
    FormatArgument real = value;
    if (!is_real) real.real = value.kind == Kind::kSigned ? static_cast<double>(value.integer) : static_cast<double>(static_cast<std::uint64_t>(value.integer));
    text = format_real(real, spec);
  } else if (is_number) {
    char buffer[24];
    const int base = spec.type == 'x' ? 16 : 10;
    const auto result = value.kind == Kind::kSigned ? std::to_chars(buffer, buffer + sizeof buffer, value.integer, base)
                                                    : std::to_chars(buffer, buffer + sizeof buffer, static_cast<std::uint64_t>(value.integer), base);
    text.assign(buffer, result.ptr);
  } else {
    text = value.text.substr(0, spec.precision < 0 ? value.text.size() : static_cast<std::size_t>(spec.precision));
  }
  if (is_number && spec.plus && !text.starts_with('-')) text.insert(0, 1, '+');
  const auto used = static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
  const int room = std::max(0, spec.width - used);
  if (spec.zero && is_number && !spec.align)
    return out += text.insert(text.starts_with('-') || text.starts_with('+'), static_cast<std::size_t>(room), '0'), void();
  const char align = spec.align ? spec.align : is_number ? '>' : '<';
  const int before = align == '>' ? room : align == '^' ? room / 2 : 0;
  for (int i = 0; i < before; ++i) out += spec.fill;
  out += text;
  for (int i = before; i < room; ++i) out += spec.fill;
}

inline std::string format_all(std::string_view pattern, const FormatArgument* values, std::size_t num_values) {
  std::string out;
  std::size_t next = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    const bool is_doubled = i + 1 < pattern.size() && pattern[i + 1] == c;
    const std::size_t end = c == '{' && !is_doubled ? pattern.find('}', i) : std::string_view::npos;
    if ((c == '{' || c == '}') && is_doubled) ++i;
    if (end == std::string_view::npos) { out += c; continue; }
    std::string_view inner = pattern.substr(i + 1, end - i - 1);
    i = end;
    FormatSpec spec;
    const bool is_understood = inner.empty() || (inner.starts_with(':') && spec.parse(inner.substr(1)));
    if (!is_understood) out.append("{?").append(inner).append("}");
    else if (next >= num_values) out += "{missing}";
    else format_one(out, values[next], spec);
    ++next;
  }
  if (next < num_values) out.append(" {").append(std::to_string(num_values - next)).append(" unused}");
  return out;
}

}  // namespace detail

// Returns the pattern with its placeholders replaced by the values, in order. Values: numbers, bool, char, enums (as integers), strings, paths.
template <class... Values>
std::string format(std::string_view pattern, const Values&... values) {
  const detail::FormatArgument all[sizeof...(values) + 1] = {detail::FormatArgument::of(values)..., {detail::FormatArgument::Kind::kText}};
  return detail::format_all(pattern, all, sizeof...(values));
}

}  // namespace trainhost
