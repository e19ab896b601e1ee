// The lists that make up the questions of LibTorch kinds: one file a kind.
#pragma once

#include <span>

#include "conformance/conformance.h"

namespace trainhost::conformance {

std::span<const Question> model_questions();
std::span<const Question> optimizer_questions();
std::span<const Question> op_pack_questions();
// The same kinds, given what does not suit them.
std::span<const Question> model_failure_questions();
std::span<const Question> optimizer_failure_questions();
std::span<const Question> op_pack_failure_questions();

// For the whole process: the tensors of the questions are small, and idle threads of LibTorch only get in each other's way.
void use_one_thread();

}  // namespace trainhost::conformance
