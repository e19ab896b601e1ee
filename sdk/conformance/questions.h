// The lists that make up questions(): one file a topic.
#pragma once

#include <span>

#include "conformance/conformance.h"

namespace trainhost::conformance {

std::span<const Question> elf_questions();
std::span<const Question> any_kind_questions();
std::span<const Question> state_questions();

}  // namespace trainhost::conformance
