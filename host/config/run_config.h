// The host's own keys as checked structs; what the keys mean stands in host_keys.cpp, the table that also makes the help and the JSON Schema.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/interval.h"

namespace trainhost {

/// [data.mixture.<name>]: a part of the training set; its source's config is in ResolvedConfig::mixture.
struct MixturePartConfig {
  std::string name;
  double weight = 1;
  std::string source;  // empty: that of `plugins`
};

struct DataConfig {
  int threads = 0;   // 0: auto
  int prefetch = 4;  // batches that are ready ahead of the loop
  uint64_t memory_bytes = uint64_t{2} << 30;  // for batches that are read ahead
  double stall_seconds = 300;
  bool shuffle = true;
  uint64_t shuffle_blocks = 16;         // blocks whose samples are mixed at a time
  std::vector<std::string> decorators;  // innermost first
  std::vector<MixturePartConfig> mixture;  // empty: one source
};

/// [evaluation.<name>]: a data set of its own; its source's config is in ResolvedConfig::evaluation_sources.
struct EvaluationSet {
  std::string name;
  Interval every;
  uint64_t max_samples = 0;          // 0 = the whole set
  uint64_t micro_batch_samples = 0;  // 0 = as in training
};

struct CheckpointConfig {
  std::vector<std::string> uris;  // empty = file:<run folder>/checkpoints
  Interval every;             // unless is_automatic
  bool is_automatic = false;  // "auto"
  std::optional<Interval> mean_time_between_interruptions;  // in seconds, minutes or hours
  std::string mode = "overlap";  // overlap | wait | sync
  uint64_t keep_last = 2, keep_every = 0, keep_best = 1, good_after = 50;
  std::vector<std::string> decorators;  // innermost first
};

struct ExecutionConfig {
  std::string cuda_graph = "auto";  // auto | on | off
  int threads = 0;                  // of the CPU kernels, 0 = all cores
};

struct TelemetryConfig {
  Interval every;
};

struct ModelConfig {
  std::map<std::string, std::string> fields;  // input of the model -> field of the source
  std::string init_from;                      // absolute path or URI; empty: random weights
  std::vector<std::string> freeze;            // globs over parameter names
  std::string recompute = "none";             // none | blocks
};

struct OpPackConfig {
  std::vector<std::string> order;  // names of op packs: where two replace one kernel, the later one wins
};

/// [optimizer.groups.<label>]
struct ParameterGroup {
  std::string label, pattern;  // glob over parameter names
  double rate_multiplier = 1;
  std::optional<double> weight_decay;  // absent = the optimizer's own
};

/// [sample]: the text at the end of a run.
struct SampleConfig {
  std::string prompt;
  uint64_t length = 200;
  double temperature = 0.8;
  uint64_t top_k = 0;  // 0 = all
};

/// All intervals are measurable in this run; percentages are resolved.
struct RunConfig {
  std::string name;
  uint64_t seed = 1;
  std::vector<Interval> max;
  std::string device = "auto";
  std::vector<std::string> plugins;  // as written
  std::vector<std::string> plugin_path;
  std::optional<double> price_per_hour;
  std::string currency = "usd";
  double clip_norm = 0;  // 0 = off
  uint64_t max_skips = 8;
  bool require_smoke = false;
  DataConfig data;
  std::vector<EvaluationSet> evaluations;
  CheckpointConfig checkpoint;
  ExecutionConfig execution;
  TelemetryConfig telemetry;
  ModelConfig model;
  OpPackConfig op_pack;
  std::vector<ParameterGroup> groups;
  SampleConfig sample;
};

}  // namespace trainhost
