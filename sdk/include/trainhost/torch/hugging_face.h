// Optional beside Model: the model as Hugging Face's transformers knows it, so that weights go there and come from there.
#pragma once

#include <string>
#include <vector>

namespace trainhost::t2 {

// A tensor of the model, by its own name and by the one in model.safetensors. `is_transposed`: its two axes stand the other way round there. An alias is
// one more name of a tensor that is listed already, such as that of tied weights: where a file has both, their values must be equal. It is not written.
struct HuggingFaceTensor {
  std::string own, foreign;
  bool is_transposed = false, is_alias = false;
};

// `config` is the text of config.json. `prefix` begins the foreign names that files of the network without its head leave out, such as "transformer.".
// A `refusal` says in words why this model, as it is configured, is none of theirs; the rest is empty then.
struct HuggingFaceLayout {
  std::string config, prefix, refusal;
  std::vector<HuggingFaceTensor> tensors;
};

// Interface "trainhost.torch.hugging_face/1": a pointer to HuggingFace. Both functions are called after build.
class HuggingFace {
 public:
  static constexpr const char* kInterface = "trainhost.torch.hugging_face/1";
  virtual ~HuggingFace() = default;

  // The same answer each time.
  virtual HuggingFaceLayout hugging_face() const = 0;
  // Before weights are taken from a folder: its config.json must describe this network, since tensors of equal shapes can mean something else. Throws
  // PluginError INVALID_ARGUMENT naming what differs. `place` is for messages.
  virtual void require_same_network(const std::string& config_json, const std::string& place) const = 0;
};

}  // namespace trainhost::t2
