// The resolved config as TOML, each value with its origin behind it: config.toml of a run folder and `trainhost config show`.
#pragma once
#include <string>

#include "config/resolve.h"

namespace trainhost {

/// Read back, it gives the same config. Tables of plugins that are not chosen are left out.
std::string resolved_toml(const ResolvedConfig& config, bool with_origins = true);

/// One JSON value as TOML.
std::string toml_value(const nlohmann::json& value);

}  // namespace trainhost
