// Which of a model's operators op packs would replace.
#pragma once
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/engine.h"
#include "plugin/catalog.h"

namespace trainhost {

/// A table for the answer of `trainhost model info`: of the operators that the answer lists, those for which an installed op pack, or one that `names` asks
/// for, has another kernel. Null when there are none. A pack that cannot be asked is a warning.
nlohmann::ordered_json replaced_operators(const nlohmann::ordered_json& answer, PluginCatalog& catalog, const std::vector<std::string>& names, Engine& engine);

}  // namespace trainhost
