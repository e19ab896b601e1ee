// [model] init_from: weights that a new run starts from.
#pragma once
#include <span>
#include <string>

#include <nlohmann/json.hpp>

#include "engine/engine.h"
#include "loop/run_plugins.h"

namespace trainhost {

/// Where the weights lie, and what reads them.
struct InitialWeightsSource {
  std::string place;                       // a path or a URI
  std::span<const ChosenPlugin> backends;  // of checkpoints
  const RunFacts& facts;
  CallMeter* meter = nullptr;
};

/// Reads the place and sets what matches in the engine, whose model is built; logs in one line what was set and what was not. Returns {place, sha256, found, naming, set,
/// only_in_model, only_in_file} for run.json; sha256 is that of the safetensors file, of several files that of their digests, in hex, in the order of their
/// names. Throws Error: kConfig for a place that is not there or does not suit the model, kCheckpointUnreadable for what is cut, damaged or not finite.
nlohmann::json initialise_weights(Engine& engine, const Instance& model, const InitialWeightsSource& source);

}  // namespace trainhost
