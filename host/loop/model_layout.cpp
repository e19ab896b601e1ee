// Asks the model, and writes down what it answers.
#include "loop/model_layout.h"

#include <trainhost/cpp/error.hpp>

#include "base/files.h"

namespace trainhost {

using Json = nlohmann::json;

const t2::HuggingFace* hugging_face_of(const Instance& model) { return static_cast<const t2::HuggingFace*>(model.interface(t2::HuggingFace::kInterface)); }

void require_network(const t2::HuggingFace& model, const std::filesystem::path& config) {
  const std::string text = read_file(config, ExitCode::kCheckpointUnreadable);
  try {
    model.require_same_network(text, config.string());
  } catch (const PluginError& refusal) {
    throw Error(refusal.status == TRAINHOST_INVALID_ARGUMENT ? ExitCode::kConfig : ExitCode::kPlugin, format("model.init_from: {}", refusal.message));
  }
}

Json model_identity(const Instance& model) {
  Json identity = {{"plugin", model.full_name()}};
  const t2::HuggingFace* asked = hugging_face_of(model);
  if (!asked) return identity;
  t2::HuggingFaceLayout layout;
  try {
    layout = asked->hugging_face();
  } catch (const std::exception& problem) {
    throw Error(ExitCode::kPlugin, format("{}: hugging_face: {}", model.full_name(), problem.what()));
  }
  if (!layout.refusal.empty()) {
    identity["hugging_face"] = {{"refusal", layout.refusal}};
    return identity;
  }
  const Json config = Json::parse(layout.config, nullptr, false);
  if (!config.is_object()) throw Error(ExitCode::kPlugin, format("{}: its config.json is no JSON object; got: {}", model.full_name(), layout.config));
  Json tensors = Json::array();
  for (const t2::HuggingFaceTensor& tensor : layout.tensors)
    if (!tensor.is_alias) tensors.push_back({tensor.own, tensor.foreign, tensor.is_transposed});
  identity["hugging_face"] = {{"config", config}, {"tensors", tensors}};
  return identity;
}

void require_same_model(const Json& before, const Json& now, const std::string& checkpoint) {
  const auto config_of = [](const Json& identity) { return identity.value("hugging_face", Json::object()).value("config", Json::object()); };
  const Json old_config = config_of(before), new_config = config_of(now);
  if (old_config.empty() || new_config.empty()) return;  // saved by a version that did not write it down
  for (const auto& [key, value] : new_config.items())
    if (const Json was = old_config.value(key, Json()); was != value)
      throw Error(ExitCode::kConfig, format("checkpoint {}: its model had {} = {}, this one has {}; put the model's config back, or start a new run with --name NAME", checkpoint, key,
                                            was.dump(), value.dump()));
}

}  // namespace trainhost
