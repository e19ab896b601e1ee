// How a run ended: for the exit code, the log and the person at the terminal.
#pragma once
#include <string>

#include "base/error.h"

namespace trainhost {

struct Outcome {
  ExitCode code = ExitCode::kDone;
  std::string rule;    // "max", "signal", "ladder", or the stopping rule's kind/name
  std::string reason;  // one sentence with numbers
  bool restore_best = false;  // end on the weights of the best evaluation
};

}  // namespace trainhost
