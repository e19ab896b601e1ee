// Checks a table against a JSON Schema and fills in its defaults; the same for the host's keys and for a plugin's.
#pragma once
#include <string>
#include <vector>

#include "config/tree.h"

namespace trainhost {

/// Collects what is wrong with a config, so that one look shows all of it.
class Problems {
 public:
  /// The same problem counts once.
  void add(const std::string& message);
  bool empty() const { return messages_.empty(); }
  /// Throws Error(kConfig) with one problem a line (at most 20) when there is any.
  void raise() const;

 private:
  std::vector<std::string> messages_;
};

/// The keywords that count: type (one or a list), properties, additionalProperties (false or a schema), required, items, minItems, maxItems, enum, minimum,
/// maximum, exclusiveMinimum, exclusiveMaximum, minLength, pattern, default, description, format "interval" or "interval_or_auto", and
///   "x-alternatives": [["a", "b"]]  keys that exclude each other: the one set at the higher level replaces the others and their defaults
///   "x-trajectory": false           the key (or the whole table) does not change the numbers of the run
///   "x-secret": true                a password or the like: shown and written nowhere, and no part of the trajectory; a string may look like a number
///   "x-refusal": "sentence"         only the default may stand here for now
/// A table without "properties" and "additionalProperties" takes any key. Integers in keys of type number become real numbers, whole reals in keys of
/// type integer integers, so that equal configs have equal JSON.
///
/// `name` is how messages call the table ("accum"; empty for the top). Returns the table with defaults; what is wrong goes to `problems`.
ConfigTree check_table(const nlohmann::json& schema, const ConfigTree& table, const std::string& name, Problems& problems);

/// The origin of a key's value, marked when the schema calls the key a secret; its text does not hold the value then.
Origin origin_of_key(const nlohmann::json& schema, const KeyPath& key, Origin origin);

/// The checked values without secrets and what "x-trajectory": false marks, and without tables that are empty then.
nlohmann::json trajectory_part(const nlohmann::json& schema, const nlohmann::json& values);

/// A schema that uses other keywords or contradicts itself is a mistake of the plugin: Error(kPlugin) beginning with `place`.
void check_schema(const nlohmann::json& schema, const std::string& place);

}  // namespace trainhost
