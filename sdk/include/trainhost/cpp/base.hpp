// The base of every plugin class: its life, its state, its host.
#pragma once

#include <string_view>

#include "trainhost/cpp/host.hpp"
#include "trainhost/cpp/state.hpp"

namespace trainhost::detail { struct Instance; }

namespace trainhost::inline sdk {

// Derive from the class of a kind (StoppingRule, DataSource, ...), which derives from this one. Life: constructor(Config) -> load -> start -> use -> stop
// -> destructor. Until start: no thread, no socket, no file opened for writing. The constructor only stores and may throw PluginError.
class Plugin {
 public:
  Plugin() = default;
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;
  virtual ~Plugin() = default;

  // Opens what the plugin needs; a throw ends the run before it begins. stop follows in any case, and undoes it. [main]
  virtual void start() {}
  virtual void stop() {}

  // Overriding both makes the plugin stateful. save puts everything that must survive a resume, load gets it back in the same order. load is tried on a
  // fresh object of the same config first: when it throws there, or leaves a rest, this object is never touched. [train], [main]
  virtual void save(StateWriter&) const {}
  virtual void load(StateReader&) {}

  // The table (or, for LibTorch kinds, the C++ object) behind an interface id; nullptr when there is none. The class of a kind answers this. [any]
  virtual const void* interface(std::string_view) { return nullptr; }

 protected:
  // Valid after the constructor: from load and start on.
  const Host& host() const { return host_; }

 private:
  friend struct detail::Instance;
  Host host_;
};

}  // namespace trainhost::inline sdk
