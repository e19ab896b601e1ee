// Walks toml++'s tree once; its types and exceptions end here.
#include "config/toml.h"

#include <cmath>

// Bad input trips assertions of toml++ 3.3 that its own parser recovers from without them.
#define TOML_ASSERT(condition) static_cast<void>(0)
#include <toml++/toml.h>

#include "base/error.h"

namespace trainhost {
namespace {

std::string place_text(const std::string& name, const toml::source_position& at) { return format("{}:{}:{}", name, at.line, at.column); }

nlohmann::json to_json(const toml::node& node, const std::string& name, const std::string& key) {
  const auto refuse = [&](std::string_view what) { throw Error(ExitCode::kConfig, format("{}: {}: {}", place_text(name, node.source().begin), key, what)); };
  if (const auto* value = node.as_string()) return value->get();
  if (const auto* value = node.as_boolean()) return value->get();
  if (const auto* value = node.as_integer()) return value->get();
  if (const auto* value = node.as_floating_point()) {
    if (!std::isfinite(value->get())) refuse("numbers must be finite, got inf or nan; leave the key out, or put it in quotes if a string is meant");
    return value->get();
  }
  if (const auto* array = node.as_array()) {
    nlohmann::json list = nlohmann::json::array();
    for (const toml::node& element : *array) list.push_back(to_json(element, name, key));
    return list;
  }
  if (const auto* table = node.as_table()) {
    nlohmann::json object = nlohmann::json::object();
    for (const auto& [child, value] : *table) object[std::string(child.str())] = to_json(value, name, key);
    return object;
  }
  refuse("no key takes a date or a time; put it in quotes if a string is meant");
  return {};
}

void walk(const toml::table& table, const std::string& name, KeyPath& path, std::vector<TomlEntry>& out) {
  for (const auto& [key, node] : table) {
    path.emplace_back(key.str());
    // A table's own place is its header; dotted keys make tables that have none, so the key's place stands for both.
    const std::string place = place_text(name, key.source().begin.line ? key.source().begin : node.source().begin);
    if (const auto* child = node.as_table()) {
      out.push_back({path, nlohmann::json::object(), place});
      walk(*child, name, path, out);
    } else {
      out.push_back({path, to_json(node, name, key_text(path)), place});
    }
    path.pop_back();
  }
}

toml::table parse(std::string_view text, const std::string& name) {
  try {
    return toml::parse(text, std::string_view(name));
  } catch (const toml::parse_error& problem) {
    throw Error(ExitCode::kConfig, format("{}: not TOML: {}", place_text(name, problem.source().begin), problem.description()));
  }
}

// The names along a chain of tables that hold one key each.
bool collect_key(const toml::table& table, KeyPath& path) {
  if (table.size() != 1) return false;
  const auto first = table.begin();
  path.emplace_back(first->first.str());
  const auto* child = first->second.as_table();
  return child ? collect_key(*child, path) : true;
}

}  // namespace

std::vector<TomlEntry> parse_toml(std::string_view text, const std::string& name) {
  std::vector<TomlEntry> entries;
  KeyPath path;
  walk(parse(text, name), name, path, entries);
  return entries;
}

std::optional<nlohmann::json> parse_toml_value(std::string_view text) {
  // Alone behind a key and as the one element of a list: so neither a comment, nor a comma, nor a second line hides in it.
  const std::string alone = "value = " + std::string(text);
  const std::string listed = "value = [" + std::string(text) + "]";
  try {
    const toml::table whole = toml::parse(std::string_view(alone), std::string_view("value"));
    const toml::table list = toml::parse(std::string_view(listed), std::string_view("value"));
    const auto* elements = list["value"].as_array();
    if (whole.size() != 1 || list.size() != 1 || !elements || elements->size() != 1) return std::nullopt;
    return to_json(*whole.get("value"), "value", "value");
  } catch (const toml::parse_error&) {
    return std::nullopt;
  } catch (const Error&) {
    return std::nullopt;  // a date or a non-finite number: a string, as the user may well mean it
  }
}

std::string toml_string(std::string_view text) {
  std::string quoted = nlohmann::json(text).dump();  // JSON's escapes are TOML's too, but for one character
  for (size_t at; (at = quoted.find('\x7f')) != std::string::npos;) quoted.replace(at, 1, "\\u007f");
  return quoted;
}

size_t find_unquoted(std::string_view text, std::string_view characters) {
  char quote = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (quote) {
      if (text[i] == '\\' && quote == '"')
        ++i;
      else if (text[i] == quote)
        quote = 0;
    } else if (characters.find(text[i]) != std::string_view::npos) {
      return i;
    } else if (text[i] == '"' || text[i] == '\'') {
      quote = text[i];
    }
  }
  return std::string_view::npos;
}

bool is_utf8(std::string_view text) {
  try {
    (void)nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

KeyPath parse_key(std::string_view text) {
  KeyPath path;
  const std::string line = std::string(text) + " = 0";
  const bool is_plain = find_unquoted(text, "=#\n\r") == std::string_view::npos;
  try {
    if (is_plain && collect_key(toml::parse(std::string_view(line), std::string_view("key")), path)) return path;
  } catch (const toml::parse_error&) {
    // Said below, in the words of the key.
  }
  throw Error(ExitCode::kConfig, format("\"{}\" is no key; wanted names with dots between them, such as evaluation.heldout.every", text));
}

}  // namespace trainhost
