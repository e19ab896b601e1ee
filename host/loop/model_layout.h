// What the model says of itself under Hugging Face's names, for checkpoints and for weights that come from there.
#pragma once
#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>
#include <trainhost/torch/hugging_face.h>

#include "plugin/instance.h"

namespace trainhost {

/// nullptr: the model has no such interface.
const t2::HuggingFace* hugging_face_of(const Instance& model);

/// Throws Error(kConfig) where a config.json describes another network than the model's, Error(kCheckpointUnreadable) where it cannot be read.
void require_network(const t2::HuggingFace& model, const std::filesystem::path& config);

/// RunIdentity::model of a model that has been built. Throws Error(kPlugin) for a layout that is none.
nlohmann::json model_identity(const Instance& model);

/// A config.json that a run goes on with must be the one that it began with; keys that were accepted elsewhere have been compared there. Throws Error(kConfig).
void require_same_model(const nlohmann::json& before, const nlohmann::json& now, const std::string& checkpoint);

}  // namespace trainhost
