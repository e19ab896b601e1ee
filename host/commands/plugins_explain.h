// `trainhost plugins explain NAME|FILE`: each condition of loading a plugin, whether it holds, and what to do where it does not.
#pragma once
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "commands/command_line.h"
#include "plugin/catalog.h"

namespace trainhost {

struct Explanation {
  struct Finding {
    std::string what;  // "ABI minor"
    bool is_met;
    std::string words;  // facts; where it is not met the complaint with the remedy, as the program gives it when it loads
  };
  struct Plugin {
    PluginRecord record;
    std::vector<Finding> findings;
    std::vector<std::string> interfaces;  // those that its metadata obliges it to have
    bool would_load() const;
  };
  std::filesystem::path file;
  std::vector<Finding> findings;
  std::vector<Plugin> plugins;

  /// Every finding is met.
  bool would_load() const;
};

/// Reads the file and runs nothing of it; never throws for what the file is. `only`: of the plugins in it those that are meant by this
/// name; empty: all, by the file's path.
Explanation explain_plugin_file(const std::filesystem::path& file, std::string_view only, const PluginCatalog& catalog, const HostAbi& host = host_abi());

/// Words "explain NAME|FILE"; with `request.wants_instance` an instance is made in a process of its own and asked for its interfaces. kPlugin when one of the
/// plugins would not load. Throws Error(kPlugin) for a name that nothing has.
ExitCode plugins_explain(const Request& request, PluginCatalog& catalog, std::ostream& out);

}  // namespace trainhost
