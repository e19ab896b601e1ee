// The macro that turns a class into a plugin: metadata in the file, descriptor, entry.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "trainhost/cpp/instance.hpp"
#include "trainhost/cpp/observer.hpp"
#include "trainhost/cpp/schema.hpp"

namespace trainhost::inline sdk {

struct AnySchema {
  const detail::SchemaBase* schema = nullptr;
  constexpr AnySchema() = default;
  constexpr AnySchema(const detail::SchemaBase& some) : schema(&some) {}
};

// What TRAINHOST_PLUGIN is given. Leave out what does not apply.
struct Definition {
  std::string_view kind, name;         // name: [a-z0-9_]+, unique within the kind
  std::string_view version;            // "1.0.0", the plugin's own
  std::string_view summary;            // one line for `trainhost plugins list`
  std::optional<bool> stateful = {};   // left out: whether the class overrides save and load
  detail::Names schemes = {};          // checkpoint backends: URI schemes
  std::uint32_t decorates = 0;         // number of upstreams that it wraps
  detail::Names needs = {};            // ids of services without which it cannot work
  AnySchema schema = {};               // left out: no keys
};

}  // namespace trainhost::inline sdk

namespace trainhost::detail {

inline void error_kind_is_not_the_kind_of_the_base_class() {}
inline void error_a_plugin_needs_a_name_of_a_z_0_9_and_underscore_and_a_version_and_a_summary() {}
inline void error_override_both_save_and_load_or_neither() {}
inline void error_a_class_without_a_schema_needs_a_default_constructor() {}

#ifdef TRAINHOST_TORCH_BUILD
inline constexpr std::string_view kTorchBuild = TRAINHOST_TORCH_BUILD;
#else
inline constexpr std::string_view kTorchBuild = "";  // no LibTorch in this file
#endif

struct Metadata {
  JsonText json;
  std::string_view kind, name;
  bool is_stateful = false;
};

// An override that is private cannot be named from here; that it is hidden shows that it is an override.
template <class Class>
constexpr bool overrides_save() {
  if constexpr (requires { &Class::save; }) return !std::is_same_v<decltype(&Class::save), decltype(&Plugin::save)>;
  else return true;
}
template <class Class>
constexpr bool overrides_load() {
  if constexpr (requires { &Class::load; }) return !std::is_same_v<decltype(&Class::load), decltype(&Plugin::load)>;
  else return true;
}

template <class Class>
constexpr void check(const Definition& definition) {
  static_assert(std::is_base_of_v<Plugin, Class>, "a plugin class derives from the class of its kind: StoppingRule, DataSource, t2::Model, ...");
  if (definition.kind != Class::kKind) error_kind_is_not_the_kind_of_the_base_class();
  bool is_named = !definition.name.empty() && !definition.version.empty() && !definition.summary.empty();
  for (const char c : definition.name) is_named = is_named && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_');
  if (!is_named) error_a_plugin_needs_a_name_of_a_z_0_9_and_underscore_and_a_version_and_a_summary();
  if (overrides_save<Class>() != overrides_load<Class>()) error_override_both_save_and_load_or_neither();
  if (!definition.schema.schema && !std::is_default_constructible_v<Class>) error_a_class_without_a_schema_needs_a_default_constructor();
}

template <class Class>
constexpr Metadata metadata(const Definition& definition) {
  check<Class>(definition);
  Metadata out;
  out.kind = definition.kind, out.name = definition.name, out.is_stateful = definition.stateful.value_or(overrides_save<Class>());
  JsonText& json = out.json;
  json.raw("{\"abi\":").natural(TRAINHOST_ABI_MAJOR).raw(",\"min_host_minor\":").natural(TRAINHOST_TARGET_MINOR);
  json.raw(",\"kind\":").quoted(definition.kind).raw(",\"name\":").quoted(definition.name);
  json.raw(",\"version\":").quoted(definition.version).raw(",\"summary\":").quoted(definition.summary).raw(",\"schema\":");
  if (definition.schema.schema) definition.schema.schema->write(json);
  else json.raw("{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{}}");
  json.raw(",\"torch_build\":");
  kTorchBuild.empty() ? json.raw("null") : json.quoted(kTorchBuild);
  definition.needs.write(json.raw(",\"needs\":"));
  definition.schemes.write(json.raw(",\"schemes\":"));
  json.raw(",\"decorates\":").natural(definition.decorates).raw(out.is_stateful ? ",\"stateful\":true}" : ",\"stateful\":false}");
  return out;
}

// The record in the plugin file: exactly the JSON and a NUL.
template <class Defined>
constexpr auto record() {
  constexpr std::size_t kSize = Defined::metadata().json.size;
  std::array<char, kSize + 1> out{};
  const JsonText json = Defined::metadata().json;
  for (std::size_t i = 0; i < kSize; ++i) out[i] = json.bytes[i];
  return out;
}

template <class Class>
std::unique_ptr<Plugin> make(const Definition& definition, std::string_view json) {
  if constexpr (std::is_constructible_v<Class, ConfigHandle>)
    if (definition.schema.schema)
      return definition.schema.schema->make(json, [](ConfigHandle config) -> std::unique_ptr<Plugin> { return std::make_unique<Class>(config); });
  if constexpr (std::is_default_constructible_v<Class>) {
    JsonReader reader(json);
    reader.object(
        [](std::string_view name) { throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("config: unknown key \"{}\", this plugin has none", name)); });
    reader.end();
    return std::make_unique<Class>();
  } else
    throw PluginError(TRAINHOST_INTERNAL, "the constructor takes another type than the schema describes");
}

inline const void* Instance::get_interface(trainhost_instance* instance, const char* id) noexcept {
  try {
    Instance& self = of(instance);
    const std::string_view wanted = id ? id : "";
    if (wanted == TRAINHOST_STATE) return self.registration->is_stateful ? &kState : nullptr;
    if (const void* found = self.object->interface(wanted)) return found;
    return wanted == TRAINHOST_OBSERVER && dynamic_cast<ObservesEvents*>(self.object.get()) ? ObservesEvents::table() : nullptr;
  } catch (...) {
    return nullptr;
  }
}

template <class Class> struct Defined;  // the macro specialises it

template <class Class>
constexpr Registration registration() {
  constexpr auto kMetadata = [] { auto m = Defined<Class>::metadata(); return Metadata{{}, m.kind, m.name, m.is_stateful}; }();
  const std::string_view json = Defined<Class>::record();
  return {{sizeof(trainhost_descriptor),
           0,
           {kMetadata.kind.data(), kMetadata.kind.size()},
           {kMetadata.name.data(), kMetadata.name.size()},
           {json.data(), json.size()}},
          &Defined<Class>::make,
          kMetadata.is_stateful};
}

template <class... Classes> inline constexpr std::size_t num_types = sizeof...(Classes);

template <class... Classes>
struct Entry {
  static constexpr Registration kRegistrations[] = {registration<Classes>()...};

  static trainhost_status create(const trainhost_host* host, const trainhost_descriptor* descriptor, trainhost_string config_json,
                                 trainhost_instance** out, trainhost_error* error) noexcept {
    return guard(error, [&] {
      if (!host || host->abi_major != TRAINHOST_ABI_MAJOR || host->abi_minor < TRAINHOST_TARGET_MINOR)
        throw PluginError(TRAINHOST_FAILED_PRECONDITION, format("needs a host of ABI {}.{}; update trainhost", TRAINHOST_ABI_MAJOR, TRAINHOST_TARGET_MINOR));
      for (const Registration& registration : kRegistrations)
        if (&registration.descriptor == descriptor) {
          *out = &(new Instance(host, registration, view(config_json)))->c;
          return;
        }
      throw PluginError(TRAINHOST_NOT_FOUND, "the descriptor is not one of this file");
    });
  }

  template <std::size_t... I>
  static const trainhost_entry* get(std::index_sequence<I...>) noexcept {
    static constexpr const trainhost_descriptor* kDescriptors[] = {&kRegistrations[I].descriptor...};
    static constexpr trainhost_entry kEntry{sizeof(trainhost_entry), TRAINHOST_ABI_MAJOR, sizeof...(Classes), 0, kDescriptors, &create};
    return &kEntry;
  }
};

}  // namespace trainhost::detail

#define TRAINHOST_DETAIL_JOIN2(a, b) a##b
#define TRAINHOST_DETAIL_JOIN(a, b) TRAINHOST_DETAIL_JOIN2(a, b)

// Makes a plugin of a class, at global scope: TRAINHOST_DEFINE(Class, {.kind = .., .name = .., .version = .., .summary = .., .schema = ..}).
// A file with several plugins has several of these and one TRAINHOST_PLUGINS(A, B, ..); a file with one uses TRAINHOST_PLUGIN.
#define TRAINHOST_DEFINE(Class, ...)                                                                                                              \
  template <>                                                                                                                                     \
  struct trainhost::detail::Defined<Class> {                                                                                                      \
    static constexpr ::trainhost::detail::Metadata metadata() { return ::trainhost::detail::metadata<Class>(::trainhost::Definition __VA_ARGS__); } \
    static std::unique_ptr<::trainhost::Plugin> make(std::string_view json) {                                                                     \
      return ::trainhost::detail::make<Class>(::trainhost::Definition __VA_ARGS__, json);                                                         \
    }                                                                                                                                             \
    static constexpr std::string_view record();                                                                                                   \
  };                                                                                                                                              \
  namespace {                                                                                                                                     \
  [[gnu::section(".trainhost.plugin"), gnu::used]] constexpr auto TRAINHOST_DETAIL_JOIN(trainhost_record_, __LINE__) =                            \
      ::trainhost::detail::record<::trainhost::detail::Defined<Class>>();                                                                         \
  }                                                                                                                                               \
  constexpr std::string_view trainhost::detail::Defined<Class>::record() {                                                                        \
    return {TRAINHOST_DETAIL_JOIN(trainhost_record_, __LINE__).data(), TRAINHOST_DETAIL_JOIN(trainhost_record_, __LINE__).size() - 1};            \
  }

#define TRAINHOST_PLUGINS(...)                                                                                                  \
  extern "C" TRAINHOST_EXPORT const trainhost_entry* trainhost_plugin_entry_1(void) {                                           \
    return ::trainhost::detail::Entry<__VA_ARGS__>::get(::std::make_index_sequence<::trainhost::detail::num_types<__VA_ARGS__>>()); \
  }

#define TRAINHOST_PLUGIN(Class, ...)   \
  TRAINHOST_DEFINE(Class, __VA_ARGS__) \
  TRAINHOST_PLUGINS(Class)
