// The plugin instances of a run, with decorators around what they wrap.
#pragma once
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "plugin/instance.h"

namespace trainhost {

struct ChosenPlugin {
  PluginRecord record;
  nlohmann::json config;  // checked
  std::string sha256 = {};  // of the plugin file
};

class RunPlugins {
 public:
  /// Creates everything, nothing is started. `chosen`: what decorators wrap stands before them. [main]
  RunPlugins(std::span<const ChosenPlugin> chosen, CallMeter* meter, PluginReports* reports = nullptr);
  /// Stops and destroys them in reverse: a decorator goes before what it wraps.
  ~RunPlugins();
  RunPlugins(const RunPlugins&) = delete;
  RunPlugins& operator=(const RunPlugins&) = delete;

  /// The plugin of a kind, or the decorators around it. Throws Error(kPlugin) when none was chosen.
  Instance& one(std::string_view kind) const;
  /// All of a kind that nothing wraps, in order.
  std::vector<Instance*> all(std::string_view kind) const;
  /// Every instance, what is wrapped first.
  std::vector<Instance*> instances() const;

  /// Starts what is not started yet: all instances, or those of one kind.
  void start(const RunFacts& facts, std::string_view kind = {});

 private:
  void create(const ChosenPlugin& plugin, CallMeter* meter, PluginReports* reports);

  std::vector<std::unique_ptr<Instance>> instances_;
  std::map<std::string, std::vector<Instance*>, std::less<>> outermost_;  // by kind
};

}  // namespace trainhost
