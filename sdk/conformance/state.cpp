// Questions about the state that a plugin keeps over a resume.
#include "conformance/answer.h"
#include "conformance/questions.h"

namespace trainhost::conformance {

std::span<const Question> state_questions() { return {}; }

}  // namespace trainhost::conformance
