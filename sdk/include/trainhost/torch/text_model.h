// Optional beside Model: text to sample from. `class Gpt : public t2::Model, public t2::TextModel`.
#pragma once

#include <ATen/core/Tensor.h>

namespace trainhost::t2 {

// Interface "trainhost.torch.text_model/1": a pointer to TextModel.
class TextModel {
 public:
  static constexpr const char* kInterface = "trainhost.torch.text_model/1";
  virtual ~TextModel() = default;

  // tokens: int64 [batch, length] on the model's device; a model looks at the last tokens that fit its context. Returns float32 [batch, vocabulary]: the
  // logits of the token that follows. Called under no-grad, evaluation mode.
  virtual at::Tensor next_logits(const at::Tensor& tokens) = 0;
};

}  // namespace trainhost::t2
