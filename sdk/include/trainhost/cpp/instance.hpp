// The C instance around a plugin object: life, state, and the way back from a C call to the object.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "trainhost/cpp/base.hpp"
#include "trainhost/plugin.h"
#include "trainhost/state.h"

namespace trainhost::detail {

// What the macros know of one plugin. The descriptor comes first: the host hands its address back to create.
struct Registration {
  trainhost_descriptor descriptor;
  std::unique_ptr<Plugin> (*make)(std::string_view config_json);
  bool is_stateful;
};

inline constexpr std::size_t kMaxStateBytes = std::size_t{16} << 20;

struct Instance {
  trainhost_instance c;
  const trainhost_host* host;
  const Registration* registration;
  std::string config_json;
  std::unique_ptr<Plugin> object;

  Instance(const trainhost_host* its_host, const Registration& its_registration, std::string_view json)
      : c{sizeof(trainhost_instance), 0, this, &get_interface, &start, &stop, &destroy},
        host(its_host), registration(&its_registration), config_json(json), object(make()) {}

  std::unique_ptr<Plugin> make() const {
    auto made = registration->make(config_json);
    made->host_ = Host(host);
    return made;
  }

  static Instance& of(trainhost_instance* instance) noexcept { return *static_cast<Instance*>(instance->impl); }

  static const void* get_interface(trainhost_instance* instance, const char* id) noexcept;
  static trainhost_status start(trainhost_instance* instance, trainhost_error* error) noexcept {
    return guard(error, [&] { of(instance).object->start(); });
  }
  static void stop(trainhost_instance* instance) noexcept {
    Instance& self = of(instance);
    trainhost_error error{sizeof(trainhost_error), 0, {}};
    if (guard(&error, [&] { self.object->stop(); }) != TRAINHOST_OK)
      guard(nullptr, [&] { self.object->host_.log_error("stop failed: {}", std::string_view(error.message, error.message_length)); });
  }
  static void destroy(trainhost_instance* instance) noexcept { delete &of(instance); }

  static trainhost_status save(trainhost_instance* instance, const trainhost_writer* writer, trainhost_error* error) noexcept {
    return guard(error, [&] {
      StateWriter out;
      of(instance).object->save(out);
      if (out.bytes().size() > kMaxStateBytes)
        throw PluginError(TRAINHOST_RESOURCE_EXHAUSTED, format("state: {} bytes, at most {} are allowed", out.bytes().size(), kMaxStateBytes));
      call(writer->write, writer->impl, static_cast<const void*>(out.bytes().data()), out.bytes().size());
    });
  }

  // A rehearsal on a fresh object comes first, so that a state that does not load leaves the real one untouched.
  static trainhost_status load(trainhost_instance* instance, trainhost_string version, const void* bytes, std::uint64_t size, trainhost_error* error) noexcept {
    return guard(error, [&] {
      const std::string_view state(static_cast<const char*>(bytes), size);
      const auto rehearsal = of(instance).make();
      load_all(*rehearsal, state, view(version));
      load_all(*of(instance).object, state, view(version));
    });
  }
  static void load_all(Plugin& plugin, std::string_view state, std::string_view version) {
    StateReader in(state, version);
    plugin.load(in);
    if (!in.is_at_end()) throw PluginError(TRAINHOST_DATA_LOSS, "state: longer than what the plugin reads");
  }

  static constexpr trainhost_state kState{sizeof(trainhost_state), 0, &save, &load};
};

// The plugin object behind a C instance, as its kind's class, which the interface id has promised.
template <class Kind>
Kind& object(trainhost_instance* instance) noexcept { return static_cast<Kind&>(*Instance::of(instance).object); }

// The same for a class that stands beside the kind's (DataLengths, Text, ObservesEvents).
template <class Beside>
Beside& beside(trainhost_instance* instance) { return dynamic_cast<Beside&>(*Instance::of(instance).object); }

}  // namespace trainhost::detail
