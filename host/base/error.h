// The one error type of the host: a message for a person and the exit code that the process ends with.
#pragma once
#include <stdexcept>
#include <string>

#include <trainhost/format.hpp>

namespace trainhost {

/// Exit codes are a contract for schedulers (docs/operations.md).
enum class ExitCode : int {
  kDone = 0,
  kFailure = 1,
  kConfig = 2,  // usage or config
  kBudget = 10,
  kDiverged = 11,
  kData = 12,
  kPlugin = 13,
  kCheckpointUnreadable = 14,
  kOutOfMemory = 15,
  kCheckpointUnwritable = 16,
  kGateNotMet = 20,
  kPreempted = 75,
  kAborted = 130,
};

/// Thrown anywhere, caught in main. The message says place, what, got, wanted, next step.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

}  // namespace trainhost
