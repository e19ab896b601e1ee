// Fuzzes the config as written: a TOML document, then after a line of dashes one override a line. Every refusal is exit code 2 with a place.
#include "config/interval.h"
#include "config/toml.h"
#include "config/tree.h"

#include "base/error.h"
#include "fuzz.h"

using namespace trainhost;

namespace {

// A file name in the input must not lead out of it.
bool has_include(std::string_view text) {
  for (const TomlEntry& entry : parse_toml(text, "input"))
    if (entry.path.front() == "include") return true;
  return false;
}

void add_overrides(std::string_view lines, ConfigTree& tree) {
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    try {
      tree.apply_override(lines.substr(0, end));
    } catch (const Error& error) {
      fuzz::promise(error.code() == ExitCode::kConfig, "a bad override is exit code 2");
    }
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
}

void read_interval(const std::string& text) {
  try {
    const Interval interval = parse_interval(text, "input");
    const std::string shortest = interval_text(interval.amount, interval.unit, interval.currency);
    fuzz::promise(parse_interval(shortest, "input").amount == interval.amount, "an interval survives writing and reading");
  } catch (const Error& error) {
    fuzz::promise(error.code() == ExitCode::kConfig, "a bad interval is exit code 2");
  }
}

void check_leaf(const ConfigTree& tree, const KeyPath& path) {
  const nlohmann::json* value = tree.find(path);
  fuzz::promise(value != nullptr, "a leaf can be found");
  fuzz::promise(parse_key(key_text(path)) == path, "a key survives writing and reading");
  (void)tree.origin(path);
  if (!value->is_string()) return;
  read_interval(value->get<std::string>());
  fuzz::promise(parse_toml_value(toml_string(value->get<std::string>())) == *value, "a string survives writing and reading");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  const size_t end = std::min(text.find("\n---\n"), text.size());
  try {
    const std::string_view document = text.substr(0, end);
    if (has_include(document)) return 0;
    ConfigTree tree;
    tree.add_text(document, "input");
    add_overrides(text.substr(std::min(end + 5, text.size())), tree);
    for (const KeyPath& path : tree.leaves()) check_leaf(tree, path);
  } catch (const Error& error) {
    fuzz::promise(error.code() == ExitCode::kConfig, "a bad config is exit code 2");
  }
  return 0;
}
