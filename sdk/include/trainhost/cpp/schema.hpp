// What a plugin may be configured with: schema<Config>().key("patience", &Config::patience, "what it means", at_least(1)). The same list becomes the JSON
// Schema in the plugin file, with the defaults of Config{}, and fills a Config at run time.
#pragma once

#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trainhost/cpp/base.hpp"
#include "trainhost/cpp/json_reader.hpp"
#include "trainhost/cpp/json_text.hpp"

namespace trainhost::detail {

inline void error_a_schema_holds_at_most_64_keys_and_8_groups_of_alternatives() {}
inline void error_required_or_alternatives_names_an_unknown_key() {}

// A short list of names inside of a constant.
struct Names {
  std::array<std::string_view, 12> items{};
  std::size_t size = 0;

  constexpr Names() = default;
  constexpr Names(std::initializer_list<std::string_view> names) { for (const auto name : names) items[size++] = name; }
  constexpr bool contains(std::string_view name) const {
    for (std::size_t i = 0; i < size; ++i) if (items[i] == name) return true;
    return false;
  }
  constexpr void write(JsonText& out) const {
    out.raw("[");
    for (std::size_t i = 0; i < size; ++i) out.raw(i ? "," : "").quoted(items[i]);
    out.raw("]");
  }
};

inline constexpr double kNoLimit = std::numeric_limits<double>::quiet_NaN();
struct Limits {
  double minimum = kNoLimit, maximum = kNoLimit, exclusive_minimum = kNoLimit, exclusive_maximum = kNoLimit;
  Names choices;
  bool is_trajectory = true, is_secret = false;
  bool may_be_one = false;
};
struct Limit {
  double Limits::*which;
  double value;
  constexpr void apply(Limits& limits) const { limits.*which = value; }
};
struct Choices {
  Names names;
  constexpr void apply(Limits& limits) const { limits.choices = names; }
};
struct NoTrajectory {
  constexpr void apply(Limits& limits) const { limits.is_trajectory = false; }
};
struct Secret {
  constexpr void apply(Limits& limits) const { limits.is_secret = true; }
};
struct ListOrOne {
  constexpr void apply(Limits& limits) const { limits.may_be_one = true; }
};

}  // namespace trainhost::detail

namespace trainhost::inline sdk {

// What a value must be; for a list, what each of its items must be.
constexpr detail::Limit at_least(double value) { return {&detail::Limits::minimum, value}; }
constexpr detail::Limit at_most(double value) { return {&detail::Limits::maximum, value}; }
constexpr detail::Limit greater_than(double value) { return {&detail::Limits::exclusive_minimum, value}; }
constexpr detail::Limit less_than(double value) { return {&detail::Limits::exclusive_maximum, value}; }
template <class... Strings>
constexpr detail::Choices one_of(const Strings&... choices) { return {{std::string_view(choices)...}}; }
// A key that does not change the numbers of a run: a resume may change it.
inline constexpr detail::NoTrajectory no_trajectory{};
// A password or the like: the host gives it to the plugin, and shows or writes it nowhere.
inline constexpr detail::Secret secret{};
// A list of strings that may be written as one string: glob = "*.h".
inline constexpr detail::ListOrOne list_or_one{};

}  // namespace trainhost::inline sdk

namespace trainhost::detail {

template <class T> struct TypeTag { static constexpr char kTag = 0; };

// Carries a Config to the constructor of a plugin class without naming its type.
struct ConfigHandle {
  void* config;
  const char* tag;

  template <class Config>
    requires(!std::is_base_of_v<Plugin, Config>)
  operator Config() const {
    if (tag != &TypeTag<Config>::kTag) throw PluginError(TRAINHOST_INTERNAL, "the constructor takes another type than the schema describes");
    return std::move(*static_cast<Config*>(config));
  }
};
using Construct = std::unique_ptr<Plugin> (*)(ConfigHandle);

class SchemaBase {
 public:
  constexpr virtual void write(JsonText& out) const = 0;
  virtual std::unique_ptr<Plugin> make(std::string_view json, Construct construct) const = 0;

 protected:
  constexpr ~SchemaBase() = default;
};

// A pointer to a member of one of the types that a config may hold.
template <class Config, class T> struct Slot { T Config::*pointer = nullptr; };
template <class Config, class... Types>
struct AnyMember : Slot<Config, Types>... {
  template <class T>
  constexpr void set(T Config::*pointer) {
    static_assert((std::is_same_v<T, Types> || ...), "a config holds bool, int, unsigned, (u)int64_t, double, std::string, vectors and optionals of these");
    static_cast<Slot<Config, T>&>(*this).pointer = pointer;
  }
  template <class Visitor>
  constexpr void visit(const Visitor& visitor) const { (visit_one<Types>(visitor), ...); }

 private:
  template <class T, class Visitor>
  constexpr void visit_one(const Visitor& visitor) const {
    if constexpr (sizeof(T) <= sizeof(Config))  // else no member has this type, and the compiler would warn of the impossible read
      if (const auto pointer = static_cast<const Slot<Config, T>&>(*this).pointer) visitor(pointer);
  }
};
template <class Config>
using ConfigMember = AnyMember<Config, bool, int, unsigned, std::int64_t, std::uint64_t, double, std::string, std::vector<std::int64_t>,
                               std::vector<std::uint64_t>, std::vector<double>, std::vector<std::string>, std::optional<bool>, std::optional<int>,
                               std::optional<std::int64_t>, std::optional<std::uint64_t>, std::optional<double>, std::optional<std::string>>;

template <class T>
constexpr void write_value(JsonText& out, const T& value) {
  if constexpr (std::is_same_v<T, bool>) out.raw(value ? "true" : "false");
  else if constexpr (std::is_floating_point_v<T>) out.real(value);
  else if constexpr (std::is_integral_v<T>)
    std::is_signed_v<T> ? out.integer(static_cast<std::int64_t>(value)) : out.natural(static_cast<std::uint64_t>(value));
  else if constexpr (std::is_same_v<T, std::string>) out.quoted(value);
  else {
    out.raw("[");
    for (std::size_t i = 0; i < value.size(); ++i) write_value(out.raw(i ? "," : ""), value[i]);
    out.raw("]");
  }
}

constexpr void write_limit(JsonText& out, std::string_view name, double value) {
  if (value == value) out.raw(",").quoted(name).raw(":").real(value);
}

template <class T>
constexpr void write_type(JsonText& out, const Limits& limits) {
  if constexpr (is_optional<T>) return write_type<typename T::value_type>(out, limits);
  else if constexpr (is_vector<T>) {
    out.raw(limits.may_be_one ? "\"type\":[\"string\",\"array\"],\"items\":{" : "\"type\":\"array\",\"items\":{");
    write_type<typename T::value_type>(out, limits);
    out.raw("}");
  } else {
    constexpr std::string_view name = std::is_same_v<T, bool> ? "boolean" : std::is_integral_v<T> ? "integer" : std::is_same_v<T, double> ? "number" : "string";
    out.raw("\"type\":").quoted(name);
    if (std::is_unsigned_v<T> && !std::is_same_v<T, bool> && limits.minimum != limits.minimum) write_limit(out, "minimum", 0);
    write_limit(out, "minimum", limits.minimum);
    write_limit(out, "maximum", limits.maximum);
    write_limit(out, "exclusiveMinimum", limits.exclusive_minimum);
    write_limit(out, "exclusiveMaximum", limits.exclusive_maximum);
    if (limits.choices.size > 0) limits.choices.write(out.raw(",\"enum\":"));
  }
}

template <class T>
constexpr void write_default(JsonText& out, const T& value) {
  if constexpr (is_optional<T>) { if (value) write_default(out, *value); }
  else write_value(out.raw(",\"default\":"), value);
}

}  // namespace trainhost::detail

namespace trainhost::inline sdk {

template <class Config>
class Schema final : public detail::SchemaBase {
 public:
  // A key, the member that it fills, its meaning in a few words, and what its value must be. A std::optional has no default.
  template <class T, class... Constraints>
  constexpr Schema& key(std::string_view name, T Config::*member, std::string_view description, const Constraints&... constraints) {
    if (num_keys_ == keys_.size()) detail::error_a_schema_holds_at_most_64_keys_and_8_groups_of_alternatives();
    Key& key = keys_[num_keys_++];
    key.name = name, key.description = description;
    key.member.set(member);
    (constraints.apply(key.limits), ...);
    return *this;
  }

  // Keys that the user must set; they show no default.
  template <class... Strings>
  constexpr Schema& required(const Strings&... names) { return required_ = {std::string_view(names)...}, *this; }

  // Keys of which at most one may be set; one that is set with higher precedence replaces the others.
  constexpr Schema& alternatives(std::initializer_list<std::string_view> names) {
    if (num_alternatives_ == alternatives_.size()) detail::error_a_schema_holds_at_most_64_keys_and_8_groups_of_alternatives();
    alternatives_[num_alternatives_++] = names;
    return *this;
  }

  constexpr void write(detail::JsonText& out) const override {
    if (!std::is_constant_evaluated()) return;  // nothing of this is needed at run time
    Config defaults{};  // not const: gcc 12 refuses a const std::string here
    check_names();
    out.raw("{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
    for (std::size_t i = 0; i < num_keys_; ++i) write_key(out.raw(i ? "," : ""), keys_[i], defaults);
    out.raw("}");
    if (required_.size > 0) required_.write(out.raw(",\"required\":"));
    if (num_alternatives_ > 0) out.raw(",\"x-alternatives\":[");
    for (std::size_t i = 0; i < num_alternatives_; ++i) alternatives_[i].write(out.raw(i ? "," : ""));
    out.raw(num_alternatives_ > 0 ? "]}" : "}");
  }

  std::unique_ptr<Plugin> make(std::string_view json, detail::Construct construct) const override {
    Config config{};
    detail::JsonReader reader(json);
    reader.object([&](std::string_view name) { read_key(reader, name, config); });
    reader.end();
    return construct({&config, &detail::TypeTag<Config>::kTag});
  }

 private:
  struct Key {
    std::string_view name, description;
    detail::ConfigMember<Config> member;
    detail::Limits limits;
  };

  constexpr void write_key(detail::JsonText& out, const Key& key, const Config& defaults) const {
    out.quoted(key.name).raw(":{");
    key.member.visit([&](auto pointer) {
      using T = std::remove_cvref_t<decltype(defaults.*pointer)>;
      detail::write_type<T>(out, key.limits);
      if (!required_.contains(key.name)) detail::write_default(out, defaults.*pointer);
    });
    if (key.limits.is_secret) out.raw(",\"x-secret\":true");
    if (!key.limits.is_trajectory) out.raw(",\"x-trajectory\":false");
    out.raw(",\"description\":").quoted(key.description).raw("}");
  }

  void read_key(detail::JsonReader& reader, std::string_view name, Config& config) const {
    for (std::size_t i = 0; i < num_keys_; ++i)
      if (keys_[i].name == name) return keys_[i].member.visit([&](auto pointer) { reader.value(config.*pointer); });
    throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("config: unknown key \"{}\"", name));
  }

  constexpr void check_names() const {
    for (std::size_t i = 0; i < required_.size; ++i) check_name(required_.items[i]);
    for (std::size_t g = 0; g < num_alternatives_; ++g)
      for (std::size_t i = 0; i < alternatives_[g].size; ++i) check_name(alternatives_[g].items[i]);
  }
  constexpr void check_name(std::string_view name) const {
    for (std::size_t i = 0; i < num_keys_; ++i) if (keys_[i].name == name) return;
    detail::error_required_or_alternatives_names_an_unknown_key();
  }

  std::array<Key, 64> keys_{};
  std::size_t num_keys_ = 0;
  detail::Names required_;
  std::array<detail::Names, 8> alternatives_{};
  std::size_t num_alternatives_ = 0;
};

template <class Config>
constexpr Schema<Config> schema() { return {}; }

}  // namespace trainhost::inline sdk
