// A resolved config as text: top-level keys, host tables in the order of the documentation, plugins in the order of `plugins`, evaluation sets.
#include "config/writer.h"

#include <algorithm>

#include "base/error.h"
#include "config/host_keys.h"
#include "config/toml.h"

namespace trainhost {
namespace {

using nlohmann::json;

// A comment must stay on its line.
std::string comment_text(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return text;
}

class Writer {
 public:
  explicit Writer(bool with_origins) : with_origins_(with_origins) {}

  std::string text;

  void add_line(const KeyPath& table, const std::string& key, const json& value, const Origin& origin) {
    if (origin.is_secret) return add_secret(table, key);
    const std::string line = key_text({key}) + " = " + toml_value(value);
    text += with_origins_ ? format("{:<48}  # {}\n", line, comment_text(origin.text)) : line + "\n";
  }

  void add_header(const KeyPath& path) {
    if (!path.empty()) text += format("\n[{}]\n", key_text(path));
  }

  // The values of one table under `header`, then its tables. `order` names the keys that come first.
  void add_table(const KeyPath& header, const ConfigTree& tree, const KeyPath& path, const std::vector<std::string>& order = {}) {
    const json* table = tree.find(path);
    if (!table) return;
    std::vector<std::string> keys = order;
    for (const auto& [key, unused] : table->items())
      if (std::find(order.begin(), order.end(), key) == order.end()) keys.push_back(key);
    bool has_header = false;
    for (const std::string& key : keys) {
      if (!table->contains(key) || (*table)[key].is_object()) continue;
      if (!std::exchange(has_header, true)) add_header(header);
      add_line(header, key, (*table)[key], tree.origin(extended(path, key)));
    }
    for (const std::string& key : keys)
      if (table->contains(key) && (*table)[key].is_object()) add_table(extended(header, key), tree, extended(path, key));
  }

 private:
  // A comment, so that what is read back lacks the key instead of holding something else.
  void add_secret(const KeyPath& table, const std::string& key) {
    std::string variable = "TRAINHOST";
    for (const std::string& part : extended(table, key)) variable += "__" + part;
    std::transform(variable.begin(), variable.end(), variable.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    text += format("# {} = (secret, not written down; set it again, for example as {})\n", comment_text(key_text({key})), comment_text(variable));
  }

  static KeyPath extended(KeyPath path, const std::string& key) {
    path.push_back(key);
    return path;
  }

  bool with_origins_;
};

// The first parts of the host's keys: scalars and tables, in order, each once.
std::vector<std::string> top_level_order() {
  std::vector<std::string> order;
  for (const std::string& path : host_key_paths()) {
    const std::string first = path.substr(0, path.find('.'));
    if (std::find(order.begin(), order.end(), first) == order.end()) order.push_back(first);
  }
  return order;
}

// Shaped like a config file.
ConfigTree whole_config(const ResolvedConfig& config) {
  ConfigTree all = config.host;
  for (const PluginConfig& plugin : config.plugins) all.graft(parse_key(plugin.table), plugin.tree);
  all.graft({"evaluation"}, config.evaluation_overrides);
  all.graft({"data", "mixture"}, config.mixture_overrides);
  return all;
}

}  // namespace

std::string toml_value(const json& value) {
  if (value.is_string()) return toml_string(value.get<std::string>());
  if (value.is_array()) {
    std::string text;
    for (const json& element : value) text += (text.empty() ? "" : ", ") + toml_value(element);
    return "[" + text + "]";
  }
  if (!value.is_object()) return value.dump();
  std::string text;
  for (const auto& [key, child] : value.items()) text += (text.empty() ? "" : ", ") + key_text({key}) + " = " + toml_value(child);
  return text.empty() ? "{}" : "{ " + text + " }";
}

json masked_values(const ConfigTree& tree) {
  ConfigTree masked = tree;
  for (const KeyPath& leaf : tree.leaves())
    if (const Origin origin = tree.origin(leaf); origin.is_secret) masked.set(leaf, "(secret)", origin);
  return masked.values();
}

json public_config(const ResolvedConfig& config) {
  ConfigTree all = whole_config(config);
  for (const KeyPath& leaf : all.leaves())
    if (all.origin(leaf).is_secret) all.erase(leaf);
  return all.values();
}

std::string public_argument(const ResolvedConfig& config, const std::string& argument) {
  const size_t equals = argument.find('=', argument.starts_with("--") ? argument.find('=') + 1 : 0);
  if (equals == std::string::npos) return argument;
  const std::string key = argument.substr(0, equals), value = argument.substr(equals + 1);
  const ConfigTree all = whole_config(config);
  for (const KeyPath& leaf : all.leaves()) {
    if (!all.origin(leaf).is_secret) continue;
    const json& secret = *all.find(leaf);  // looked for too: it may stand inside of a table that was given as one value
    if (key.ends_with("." + leaf.back()) || value.find(secret.is_string() ? secret.get<std::string>() : secret.dump()) != std::string::npos) return key + "=(secret)";
  }
  return argument;
}

std::string resolved_toml(const ResolvedConfig& config, bool with_origins) {
  Writer writer(with_origins);
  ConfigTree host = config.host;
  const ConfigTree evaluation = host.subtree({"evaluation"});
  host.erase({"evaluation"});
  const ConfigTree mixture = host.subtree({"data", "mixture"});
  host.erase({"data", "mixture"});
  writer.add_table({}, host, {}, top_level_order());
  for (const PluginConfig& plugin : config.plugins) writer.add_table(parse_key(plugin.table), plugin.tree, {});
  for (const MixturePartConfig& part : config.run.data.mixture) {
    writer.add_table({"data", "mixture", part.name}, mixture, {part.name});
    writer.add_table({"data", "mixture", part.name}, config.mixture_overrides, {part.name});
  }
  for (const EvaluationSet& set : config.run.evaluations) {
    writer.add_table({"evaluation", set.name}, evaluation, {set.name});
    writer.add_table({"evaluation", set.name}, config.evaluation_overrides, {set.name});
  }
  return writer.text;
}

}  // namespace trainhost
