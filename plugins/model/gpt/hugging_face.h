// The network as Hugging Face's GPT-2: its config.json, and its names of tensors.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <trainhost/cpp/error.hpp>
#include <trainhost/torch/hugging_face.h>

#include "network.h"

namespace gpt {

inline trainhost::PluginError refuse(const std::string& words) { return {TRAINHOST_INVALID_ARGUMENT, "gpt: " + words}; }

// What a config.json says of the network. Throws PluginError where that is another network than this one can be; `place` is for messages.
Shape parse_config(const std::string& text, const std::string& place);
// The same of a file, or of the folder that holds it.
Shape read_config(const std::string& path);

// What transformers' GPT2LMHeadModel reads, and what `parse_config` gives back.
std::string config_text(const Shape& shape);

// Their linear layers keep weights as [inputs, outputs]; the output layer may be there a second time.
std::vector<t2::HuggingFaceTensor> foreign_names(std::span<const t2::Parameter> parameters);

}  // namespace gpt
