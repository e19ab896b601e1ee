// Values and origins of a config: setting, merging, cutting out.
#include "config/tree.h"

#include <algorithm>

#include "config/toml.h"

namespace trainhost {
namespace {

bool is_bare(const std::string& part) {
  return !part.empty() && std::all_of(part.begin(), part.end(), [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; });
}

bool is_inside(const KeyPath& table, const KeyPath& path) { return path.size() >= table.size() && std::equal(table.begin(), table.end(), path.begin()); }

KeyPath joined(const KeyPath& table, const KeyPath& path) {
  KeyPath all = table;
  all.insert(all.end(), path.begin(), path.end());
  return all;
}

}  // namespace

std::string key_text(const KeyPath& path) {
  std::string text;
  for (const std::string& part : path) text += (text.empty() ? "" : ".") + (is_bare(part) ? part : toml_string(part));
  return text;
}

const nlohmann::json* ConfigTree::find(const KeyPath& path) const {
  const nlohmann::json* node = &values_;
  for (const std::string& part : path) {
    if (!node->is_object()) return nullptr;
    const auto found = node->find(part);
    if (found == node->end()) return nullptr;
    node = &*found;
  }
  return node;
}

Origin ConfigTree::origin(const KeyPath& path) const {
  for (KeyPath at = path;; at.pop_back()) {
    if (const auto found = origins_.find(at); found != origins_.end()) return found->second;
    if (at.empty()) return {};
  }
}

void ConfigTree::set(const KeyPath& path, const nlohmann::json& value, const Origin& origin) {
  if (!value.is_object()) return assign(path, value, origin);
  const nlohmann::json* there = find(path);
  if (!there || !there->is_object()) assign(path, nlohmann::json::object(), origin);
  for (const auto& [key, child] : value.items()) set(joined(path, {key}), child, origin);
}

void ConfigTree::assign(const KeyPath& path, const nlohmann::json& value, const Origin& origin) {
  nlohmann::json* node = &values_;
  KeyPath at;
  for (const std::string& part : path) {
    if (!node->is_object()) {
      *node = nlohmann::json::object();
      origins_[at] = origin;
    }
    node = &(*node)[part];
    at.push_back(part);
    if (node->is_null() && at.size() < path.size()) {
      *node = nlohmann::json::object();
      origins_[at] = origin;
    }
  }
  std::erase_if(origins_, [&](const auto& entry) { return is_inside(path, entry.first); });
  *node = value;
  origins_[path] = origin;
}

bool ConfigTree::erase(const KeyPath& path) {
  if (path.empty() || !find(path)) return false;
  nlohmann::json* node = &values_;
  for (size_t i = 0; i + 1 < path.size(); ++i) node = &(*node)[path[i]];
  node->erase(path.back());
  std::erase_if(origins_, [&](const auto& entry) { return is_inside(path, entry.first); });
  return true;
}

ConfigTree ConfigTree::subtree(const KeyPath& path) const {
  ConfigTree part;
  const nlohmann::json* node = find(path);
  if (!node || !node->is_object()) return part;
  part.values_ = *node;
  part.origins_[{}] = origin(path);
  for (const auto& [key, origin] : origins_)
    if (is_inside(path, key)) part.origins_[KeyPath(key.begin() + static_cast<std::ptrdiff_t>(path.size()), key.end())] = origin;
  return part;
}

void ConfigTree::graft(const KeyPath& path, const ConfigTree& other) {
  for (const auto& [key, origin] : other.origins_) {  // tables come before what is in them
    const nlohmann::json& value = *other.find(key);
    const KeyPath target = joined(path, key);
    if (!value.is_object()) {
      assign(target, value, origin);
    } else if (const nlohmann::json* there = find(target); !there || !there->is_object()) {
      assign(target, nlohmann::json::object(), origin);
    }
  }
}

std::vector<KeyPath> ConfigTree::leaves() const {
  std::vector<KeyPath> paths;
  for (const auto& [path, unused] : origins_)
    if (!find(path)->is_object()) paths.push_back(path);
  return paths;
}

void ConfigTree::raise_levels(int by) {
  for (auto& [unused, origin] : origins_) origin.level += by;
}

}  // namespace trainhost
