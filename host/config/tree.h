// The config as written: nested values, and where each of them came from.
#pragma once
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace trainhost {

using KeyPath = std::vector<std::string>;

/// "evaluation.heldout.every"; parts that TOML does not take bare are quoted.
std::string key_text(const KeyPath& path);
/// Splits at dots; parts may be quoted as in TOML. Throws Error(kConfig).
KeyPath parse_key(std::string_view text);

enum class Layer { kDefault, kInclude, kFile, kEnvironment, kOverride, kFlag };

/// Where a value came from. `text`: "configs/a.toml:12:1", "default", "environment TRAINHOST__A__B", "override a.b=c", "flag --name".
struct Origin {
  Layer layer = Layer::kDefault;
  int level = 0;  // the higher wins; each file has its own
  std::string text = "default";
  std::string typed = {};  // the right side as it was typed: overrides and environment only
  bool is_secret = false;  // the value is shown and written nowhere; known once a schema was looked at
};

/// Layers are added in the order of precedence: files (with what they include), environment, overrides, flags. A later value replaces an earlier one;
/// tables are merged, lists are not. All functions throw Error(kConfig) that begins with the place.
class ConfigTree {
 public:
  ConfigTree() = default;
  /// An empty table that says where it comes from.
  explicit ConfigTree(const Origin& origin) : origins_{{KeyPath{}, origin}} {}

  /// The file and, before it, what its `include` names, relative to the file that includes. So are paths of plugins.
  void add_file(const std::filesystem::path& file);
  /// A text that is no file; `name` stands in messages ("<default job>"), includes are relative to `folder`.
  void add_text(std::string_view text, const std::string& name, const std::filesystem::path& folder = ".");
  /// Every "TRAINHOST__A__B=value" among the entries sets a.b; other entries are passed over.
  void add_environment(std::span<const std::string> entries);
  /// One of `a.b=c` (a key that exists or is declared), `+a.b=c` (a new one), `~a.b` (delete). The right side is a TOML value, else a string.
  void apply_override(std::string_view text);
  /// `flag` as typed: "--plugins a,b".
  void set_flag(const KeyPath& path, nlohmann::json value, std::string_view flag);

  const nlohmann::json& values() const { return values_; }
  /// nullptr = not set.
  const nlohmann::json* find(const KeyPath& path) const;
  /// Of the value or, where none is recorded, of the nearest table around it.
  Origin origin(const KeyPath& path) const;

  /// Sets one value (a table: each leaf of it) whatever is there; parents that are no tables are replaced.
  void set(const KeyPath& path, const nlohmann::json& value, const Origin& origin);
  /// False: there was nothing.
  bool erase(const KeyPath& path);
  /// The table at `path` as a tree of its own; empty when there is none.
  ConfigTree subtree(const KeyPath& path) const;
  /// Lays `other` over this tree at `path`, each leaf with its own origin.
  void graft(const KeyPath& path, const ConfigTree& other);
  /// Every value that is no table, in the order of their keys.
  std::vector<KeyPath> leaves() const;
  /// Puts all values above those of another tree by this much.
  void raise_levels(int by);

  /// Keys that `a.b=c` or the environment made: resolve() refuses those that no schema declares. `first_new`: index of the first part that was not there.
  struct Addition {
    KeyPath path;
    size_t first_new = 0;
    Origin origin;
  };
  const std::vector<Addition>& additions() const { return additions_; }

 private:
  void assign(const KeyPath& path, const nlohmann::json& value, const Origin& origin);

  nlohmann::json values_ = nlohmann::json::object();
  std::map<KeyPath, Origin> origins_;
  std::vector<Addition> additions_;
  int num_files_ = 0;
};

}  // namespace trainhost
