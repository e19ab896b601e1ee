// The table of the host's own keys (inside of the config room): one source for checking, help and JSON Schema.
#pragma once
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace trainhost {

/// One object schema of the whole file without the plugins' tables. The tables of [evaluation.<set>], [optimizer.groups.<label>] and [model] fields are
/// additionalProperties of their parents.
const nlohmann::json& host_schema();

/// All keys in the order of the documentation: "data.threads", "optimizer.groups.*.pattern".
std::vector<std::string> host_key_paths();

}  // namespace trainhost
