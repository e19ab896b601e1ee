// State of a plugin as a row of tagged values, little-endian: what was put is got back in the same order, and a cut or odd state is noticed.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "trainhost/cpp/error.hpp"

namespace trainhost::detail {

template <class T> inline constexpr bool is_vector = false;
template <class T> inline constexpr bool is_vector<std::vector<T>> = true;
template <class T> inline constexpr bool is_optional = false;
template <class T> inline constexpr bool is_optional<std::optional<T>> = true;

// Integers of all widths share a tag, so that a member may become wider later.
template <class T>
constexpr char state_tag() {
  if constexpr (std::is_same_v<T, bool>) return 'b';
  else if constexpr (std::is_floating_point_v<T>) return 'd';
  else if constexpr (std::is_enum_v<T>) return 'i';
  else if constexpr (std::is_integral_v<T>) return std::is_signed_v<T> ? 'i' : 'u';
  else if constexpr (std::is_same_v<T, std::string>) return 's';
  else if constexpr (is_vector<T>) return 'v';
  else if constexpr (is_optional<T>) return 'o';
  else static_assert(!sizeof(T), "a state holds numbers, enums, strings, and vectors and optionals of these");
}

}  // namespace trainhost::detail

namespace trainhost::inline sdk {

class StateWriter {
 public:
  // Appends the values, in order.
  template <class... Values>
  void put(const Values&... values) { (put_one(values), ...); }

  const std::string& bytes() const { return bytes_; }

 private:
  template <class T>
  void put_one(const T& value) {
    constexpr char tag = detail::state_tag<T>();
    bytes_ += tag;
    if constexpr (tag == 'b') bytes_ += value ? '\1' : '\0';
    else if constexpr (tag == 'd') put_raw(static_cast<double>(value));
    else if constexpr (tag == 'i') put_raw(static_cast<std::int64_t>(value));
    else if constexpr (tag == 'u') put_raw(static_cast<std::uint64_t>(value));
    else if constexpr (tag == 's') put_raw(static_cast<std::uint64_t>(value.size())), bytes_ += value;
    else if constexpr (tag == 'o') { bytes_ += value ? '\1' : '\0'; if (value) put_one(*value); }
    else {
      put_raw(static_cast<std::uint64_t>(value.size()));
      for (const typename T::value_type& item : value) put_one(item);
    }
  }
  template <class T>
  void put_raw(T value) { bytes_.append(reinterpret_cast<const char*>(&value), sizeof value); }

  std::string bytes_;
};

class StateReader {
 public:
  StateReader(std::string_view bytes, std::string_view saved_by_version) : rest_(bytes), saved_by_version_(saved_by_version) {}

  // Takes the values back in the order in which they were put. Throws PluginError DATA_LOSS when the state is cut or of another shape.
  template <class... Values>
  void get(Values&... values) { (get_one(values), ...); }

  bool is_at_end() const { return rest_.empty(); }
  std::string_view saved_by_version() const { return saved_by_version_; }  // of the plugin, "1.0.0"

 private:
  template <class T>
  void get_one(T& value) {
    constexpr char tag = detail::state_tag<T>();
    if (const char found = take(1)[0]; found != tag)  // a damaged state holds any byte, a message only UTF-8
      throw PluginError(TRAINHOST_DATA_LOSS, format("state: got a value of type 0x{:02x}, wanted '{}'", static_cast<unsigned>(static_cast<unsigned char>(found)), tag));
    if constexpr (tag == 'b') value = take(1)[0] != 0;
    else if constexpr (tag == 'd') value = static_cast<T>(take_raw<double>());
    else if constexpr (tag == 'i') value = narrow<T>(take_raw<std::int64_t>());
    else if constexpr (tag == 'u') value = narrow<T>(take_raw<std::uint64_t>());
    else if constexpr (tag == 's') value = std::string(take(take_raw<std::uint64_t>()));
    else if constexpr (tag == 'o') { value.reset(); if (take(1)[0]) get_one(value.emplace()); }
    else {
      const auto size = take_raw<std::uint64_t>();
      if (size > rest_.size()) throw cut();  // each item takes a byte at least
      T items;
      for (std::uint64_t i = 0; i < size; ++i) { typename T::value_type item{}; get_one(item); items.push_back(std::move(item)); }
      value = std::move(items);
    }
  }
  template <class T, class Wide>
  static T narrow(Wide wide) {
    if (static_cast<Wide>(static_cast<T>(wide)) == wide) return static_cast<T>(wide);
    throw PluginError(TRAINHOST_DATA_LOSS, format("state: {} does not fit {} bytes", wide, sizeof(T)));
  }
  template <class T>
  T take_raw() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) throw cut();
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  static PluginError cut() { return PluginError(TRAINHOST_DATA_LOSS, "state: ends too early"); }

  std::string_view rest_, saved_by_version_;
};

}  // namespace trainhost::inline sdk
