// A small catalog for the tests of the config room.
#pragma once
#include <string>
#include <vector>

#include "config/resolve.h"

namespace trainhost {

inline const nlohmann::json& testing_schema(const std::string& name) {
  static const nlohmann::json schemas = nlohmann::json::parse(R"({
    "accum": {"type": "object", "additionalProperties": false, "x-alternatives": [["micro_batches", "target_samples"]], "properties": {
      "micro_batch_samples": {"type": "integer", "minimum": 1, "default": 8},
      "micro_batches": {"type": "integer", "minimum": 1, "default": 1},
      "target_samples": {"type": "integer", "minimum": 1}}},
    "textfiles": {"type": "object", "additionalProperties": false, "properties": {
      "root": {"type": "string", "default": ".", "x-trajectory": false},
      "split": {"type": "string", "default": "all"}}},
    "tokens": {"type": "object", "additionalProperties": false, "required": ["files"], "properties": {
      "files": {"type": "array", "items": {"type": "string"}, "description": "Files to read."}}},
    "cache": {"type": "object", "additionalProperties": false, "x-trajectory": false, "x-alternatives": [["size", "share"]], "properties": {
      "size": {"type": "integer", "default": 1}, "share": {"type": "number"}}},
    "gpt": {"type": "object", "additionalProperties": false, "properties": {
      "width": {"type": "integer", "minimum": 1, "default": 128}, "dropout": {"type": "number", "default": 0}, "label": {"type": "string"},
      "extra": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}}}},
    "adamw": {"type": "object", "additionalProperties": false, "properties": {"learning_rate": {"type": "number", "default": 0.001}}},
    "cosine": {"type": "object", "additionalProperties": false, "properties": {"floor": {"type": "number", "default": 0.1}, "length": {"type": "string"}}},
    "lr_plateau": {"type": "object", "additionalProperties": false, "properties": {"factor": {"type": "number", "default": 0.5}}},
    "stop_plateau": {"type": "object", "additionalProperties": false, "properties": {"patience": {"type": "integer", "default": 5}}},
    "csvlog": {"type": "object", "additionalProperties": false, "properties": {"file": {"type": "string", "default": "log.csv"}}}
  })");
  return schemas.at(name);
}

/// All chosen but tokens, adamw and cosine.
inline std::vector<PluginSchema> testing_plugins() {
  return {{"accumulation_schedule", "accum", &testing_schema("accum"), true},
          {"data_source", "textfiles", &testing_schema("textfiles"), true},
          {"data_source", "cache", &testing_schema("cache"), true, true},
          {"model", "gpt", &testing_schema("gpt"), true},
          {"lr_schedule", "plateau", &testing_schema("lr_plateau"), true},
          {"stopping_rule", "plateau", &testing_schema("stop_plateau"), true},
          {"observer", "csvlog", &testing_schema("csvlog"), true},
          {"data_source", "tokens", &testing_schema("tokens"), false},
          {"optimizer", "adamw", &testing_schema("adamw"), false},
          {"lr_schedule", "cosine", &testing_schema("cosine"), false}};
}

inline ConfigTree testing_tree(const std::string& text) {
  ConfigTree tree;
  tree.add_text(text, "a.toml");
  return tree;
}

inline ResolvedConfig resolve_text(const std::string& text) { return resolve(testing_tree(text), testing_plugins(), {"a", false}); }

}  // namespace trainhost
