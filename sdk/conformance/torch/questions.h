// The door between the program and the questions of kinds that need LibTorch. Both sides come from one build.
#pragma once

#include <vector>

#include "conformance/conformance.h"

namespace trainhost::conformance {

inline constexpr const char* kTorchQuestionsSymbol = "trainhost_conformance_torch_questions";
using TorchQuestions = const std::vector<Question>*();

}  // namespace trainhost::conformance
