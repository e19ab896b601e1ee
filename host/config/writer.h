// The resolved config as TOML, each value with its origin behind it: config.toml of a run folder and `trainhost config show`.
#pragma once
#include <string>

#include "config/resolve.h"

namespace trainhost {

/// Read back, it gives the same config, but for secrets: a comment stands in their places. Tables of plugins that are not chosen are left out.
std::string resolved_toml(const ResolvedConfig& config, bool with_origins = true);

/// The values of a tree with "(secret)" in the places of secrets.
nlohmann::json masked_values(const ConfigTree& tree);

/// The whole config as one object, shaped like a config file, without secrets: what plugins may see of each other.
nlohmann::json public_config(const ResolvedConfig& config);

/// An argument of the command line, "a.b=c" or "--set=a.b=c" or anything else, as it may be written down: "a.b=(secret)" where it sets one.
std::string public_argument(const ResolvedConfig& config, const std::string& argument);

/// One JSON value as TOML.
std::string toml_value(const nlohmann::json& value);

}  // namespace trainhost
