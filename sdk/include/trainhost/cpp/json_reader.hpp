// Reads the config of a plugin: one flat JSON object of scalars and lists. The host has checked it already; what is odd here is refused all the same.
#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "trainhost/cpp/error.hpp"

namespace trainhost::detail {

class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}

  // Calls member(name) for each member; it must read the value.
  template <class Member>
  void object(Member&& member) {
    expect('{');
    for (bool is_first = true; !accept('}'); is_first = false) {
      if (!is_first) expect(',');
      const std::string name = string();
      expect(':');
      member(name);
    }
  }
  void end() { if (skip_space(); at_ < text_.size()) fail("the end"); }

  template <class T>
  void value(T& out) {
    if constexpr (std::is_same_v<T, bool>) {
      if (accept_word("true")) out = true;
      else if (accept_word("false")) out = false;
      else fail("true or false");
    } else if constexpr (std::is_integral_v<T>) out = integer<T>();
    else if constexpr (std::is_floating_point_v<T>) out = static_cast<T>(number<double>("a number"));
    else if constexpr (std::is_same_v<T, std::string>) out = string();
    else if constexpr (requires { out.push_back(out[0]); }) list(out);
    else if (accept_word("null")) out.reset();
    else value(out.emplace());
  }

 private:
  template <class T>
  void list(T& out) {
    out.clear();
    if (skip_space(), at_ < text_.size() && text_[at_] == '"') return value(out.emplace_back());  // list_or_one; the host has checked that it is allowed
    expect('[');
    for (bool is_first = true; !accept(']'); is_first = false) {
      if (!is_first) expect(',');
      value(out.emplace_back());
    }
  }

  template <class T>
  T integer() {
    const std::size_t begin = (skip_space(), at_);
    T result{};
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), result);
    at_ = static_cast<std::size_t>(end - text_.data());
    const bool is_real = at_ < text_.size() && std::string_view(".eE").find(text_[at_]) != std::string_view::npos;
    if (error == std::errc() && !is_real) return result;
    at_ = begin;  // 1e3 and 8.0 are integers too
    const double real = number<double>("an integer");
    constexpr double kLimit = std::numeric_limits<T>::digits >= 63 ? 9007199254740992.0 : static_cast<double>(std::numeric_limits<T>::max());
    if (std::trunc(real) == real && real >= static_cast<double>(std::numeric_limits<T>::min()) && std::fabs(real) <= kLimit) return static_cast<T>(real);
    at_ = begin;
    fail("an integer that fits its type");
  }

  template <class T>
  T number(const char* wanted) {
    skip_space();
    T result{};
    const bool is_number = at_ < text_.size() && (text_[at_] == '-' || (text_[at_] >= '0' && text_[at_] <= '9'));
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), result);
    if (!is_number || error != std::errc()) fail(wanted);
    at_ = static_cast<std::size_t>(end - text_.data());
    return result;
  }

  std::string string() {
    std::string out;
    for (expect('"'); at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') return ++at_, out;
      if (text_[at_] != '\\') { out += text_[at_]; continue; }
      if (++at_ == text_.size()) break;
      constexpr std::string_view kEscapes = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
      if (const std::size_t which = kEscapes.find(text_[at_]); which != std::string_view::npos) out += kMeanings[which];
      else if (text_[at_] == 'u') append_utf8(out, code_point());
      else fail("an escape");
    }
    fail("the end of a string");
  }

  // Stands on the 'u' of an escape and ends on its last digit; joins surrogate pairs.
  std::uint32_t code_point() {
    const std::uint32_t first = four_digits();
    if (first < 0xD800 || first > 0xDBFF || text_.substr(at_ + 1, 2) != "\\u") return first;
    at_ += 2;
    return 0x10000 + ((first - 0xD800) << 10) + (four_digits() - 0xDC00);
  }
  std::uint32_t four_digits() {
    std::uint32_t code = 0;
    const std::string_view digits = text_.substr(at_ + 1, 4);
    if (digits.size() < 4 || std::from_chars(digits.data(), digits.data() + 4, code, 16).ptr != digits.data() + 4) fail("four hex digits");
    at_ += 4;
    return code;
  }
  static void append_utf8(std::string& out, std::uint32_t code) {
    const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((code >> shift) & 0x3F)); };
    if (code < 0x80) out += static_cast<char>(code);
    else if (code < 0x800) out += static_cast<char>(0xC0 | (code >> 6)), tail(0);
    else if (code < 0x10000) out += static_cast<char>(0xE0 | (code >> 12)), tail(6), tail(0);
    else out += static_cast<char>(0xF0 | ((code >> 18) & 7)), tail(12), tail(6), tail(0);
  }

  void skip_space() { while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_; }
  bool accept(char c) {
    skip_space();
    const bool is_there = at_ < text_.size() && text_[at_] == c;
    at_ += is_there;
    return is_there;
  }
  bool accept_word(std::string_view word) {
    skip_space();
    const bool is_there = text_.substr(at_).starts_with(word);
    if (is_there) at_ += word.size();
    return is_there;
  }
  void expect(char c) { if (!accept(c)) fail(std::string(1, c)); }
  [[noreturn]] void fail(std::string_view wanted) const {
    const std::string_view got = at_ < text_.size() ? text_.substr(at_, 20) : "the end";
    throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("config, byte {}: got {}, wanted {}", at_, got, wanted));
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace trainhost::detail
