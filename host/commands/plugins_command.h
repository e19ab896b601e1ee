// `trainhost plugins VERB`: `list`, `info` and `lock` are here and run no code of a plugin; each other verb has a file of its own.
#pragma once
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "commands/command_line.h"
#include "plugin/catalog.h"

namespace trainhost {

/// A table (name, kind, version, tier, file, summary), then the files that are broken with the reason; with `as_json` one object
/// {"folders":[..], "plugins":[..], "broken":[{"file","reason"}]}.
void print_plugin_list(const PluginCatalog& catalog, bool as_json, std::ostream& out);

/// One plugin by name, kind/name or file: what it is, and its config keys with types, defaults and meaning. Throws Error(kPlugin).
void print_plugin_info(PluginCatalog& catalog, std::string_view wanted, bool as_json, std::ostream& out);

/// What may stand behind `trainhost plugins`.
const std::vector<std::string>& plugins_verbs();

/// One of the verbs, answers on stdout. Throws Error.
ExitCode plugins_command(const Request& request);

}  // namespace trainhost
