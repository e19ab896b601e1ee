// What a plugin answers as JSON, for people: {"facts": {name: value, ..}, "tables": [{"title", "columns", "rows"}, ..]}.
#pragma once
#include <ostream>

#include <nlohmann/json_fwd.hpp>

namespace trainhost {

/// Whether it has that form; what a plugin wrote is held against it before anything is printed.
bool is_answer(const nlohmann::ordered_json& answer);

/// Facts as lines, then the tables; those without rows are left out.
void print_answer(std::ostream& out, const nlohmann::ordered_json& answer);

}  // namespace trainhost
