// Which tensor of a file becomes which weight of the model. Pure.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "base/tensor_view.h"
#include "engine/engine.h"

namespace trainhost {

/// One way of naming the model's tensors in files.
struct Naming {
  struct Name {
    std::string own, foreign;
    bool is_transposed = false;  // the two axes stand the other way round in the file
  };
  std::string words;  // "its own names"
  std::vector<Name> names;  // a tensor may have several, the one to prefer first; where a file has more than one, their values must be equal
};

struct WeightMatch {
  std::vector<InitialTensor> values;
  std::vector<std::string> only_in_model, only_in_file;
  std::string naming;
};

/// `own`: the model's tensors, without data. The naming that fits is taken. Throws Error(kConfig) when no name matches, for shapes and formats that differ (with both
/// of them), for tied tensors with two values, and where two namings fit that mean different things. `place` is for messages.
WeightMatch match_weights(std::span<const TensorView> own, std::span<const TensorView> found, std::span<const Naming> namings, const std::string& place);

/// "12 of 16 tensors of the model, by its own names; only in the model: a, b and 3 more; only there: c". Lists are cut.
std::string describe(const WeightMatch& match);

}  // namespace trainhost
