// Models: a network and its loss.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <span>

#include "trainhost/torch/types.h"

namespace trainhost::t2 {

class TextModel;
class ModelFile;
class HuggingFace;
class Recomputable;
class ValueLimits;
class CaptureAware;

// What a model is built for. `fields` are those of the training set after the config's [model] fields mapping: the model finds its inputs by name and
// takes sizes (classes, context length) from them where its config leaves them open. Borrowed until build returns.
struct ModelFacts {
  std::span<const Field> fields;
  at::Device device;
  at::ScalarType default_dtype;
  std::uint64_t seed;
  // Parameters and buffers are all given other values before the first forward, those of a checkpoint: they are to be made, and what is in them does not count.
  // A large model that draws nothing then is back some seconds earlier.
  bool values_follow = false;
};

// Interface "trainhost.torch.model/1": a pointer to Model.
class Model : public Plugin {
 public:
  static constexpr std::string_view kKind = "model";
  static constexpr const char* kInterface = "trainhost.torch.model/1";

  // Makes parameters and buffers on the device, initialised from the seed alone. Called once, after start. Throws PluginError INVALID_ARGUMENT when the
  // fields do not suit the model: say which were found and which are wanted.
  virtual void build(const ModelFacts&) = 0;

  // Stable order and names. The engine sets requires_grad from is_trainable, may put other tensors into `compute`, and expects forward to use those.
  virtual std::span<Parameter> parameters() = 0;

  // Tensors that forward changes in train mode (running means): part of checkpoints and of the snapshots that a retry restores. May be empty.
  virtual std::span<NamedTensor> buffers() = 0;

  // No host synchronisation; random numbers only from the default generator of the device. kEvaluate runs under no-grad and draws none.
  virtual Output forward(const Batch&, Mode) = 0;

  const void* interface(std::string_view id) override;
};

}  // namespace trainhost::t2

#include "trainhost/torch/capture_aware.h"
#include "trainhost/torch/hugging_face.h"
#include "trainhost/torch/model_file.h"
#include "trainhost/torch/recomputable.h"
#include "trainhost/torch/text_model.h"
#include "trainhost/torch/value_limits.h"

namespace trainhost::t2 {

inline const void* Model::interface(std::string_view id) {
  if (id == kInterface) return static_cast<Model*>(this);
  if (id == TextModel::kInterface) return dynamic_cast<TextModel*>(this);
  if (id == ModelFile::kInterface) return dynamic_cast<ModelFile*>(this);
  if (id == HuggingFace::kInterface) return dynamic_cast<HuggingFace*>(this);
  if (id == Recomputable::kInterface) return dynamic_cast<Recomputable*>(this);
  if (id == ValueLimits::kInterface) return dynamic_cast<ValueLimits*>(this);
  if (id == CaptureAware::kInterface) return dynamic_cast<CaptureAware*>(this);
  return nullptr;
}

}  // namespace trainhost::t2
