// TOML as JSON with places; the only door to toml++.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/tree.h"

namespace trainhost {

/// One table or value of a document, tables before what is in them. `place`: "configs/a.toml:12:1", of the key.
struct TomlEntry {
  KeyPath path;
  nlohmann::json value;  // an empty object for a table
  std::string place;
};

/// Throws Error(kConfig) with "name:line:column: ..." for what is not TOML, and for dates and non-finite numbers, which no key takes.
std::vector<TomlEntry> parse_toml(std::string_view text, const std::string& name);

/// A single TOML value; nullopt when the text is none (then it is meant as a string).
std::optional<nlohmann::json> parse_toml_value(std::string_view text);

/// The text in quotes, as TOML reads it in keys and in values.
std::string toml_string(std::string_view text);

/// Where the first of these characters stands outside of quotes; npos = nowhere.
size_t find_unquoted(std::string_view text, std::string_view characters);

/// Well-formed UTF-8, which is what TOML and JSON are made of.
bool is_utf8(std::string_view text);

}  // namespace trainhost
