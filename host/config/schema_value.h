// A single value against its rules (inside of the config room).
#pragma once
#include <string>

#include <nlohmann/json.hpp>

namespace trainhost {

/// Empty when the value may stand, else what is wrong with it ("must be at least 1, got 0"). Brings the value into its normal form: reals for type number,
/// integers for whole reals of type integer.
std::string check_value(const nlohmann::json& rules, nlohmann::json& value);

/// "integer", "string or array": the rule's type as words; "value" when it has none.
std::string type_text(const nlohmann::json& rules);

}  // namespace trainhost
