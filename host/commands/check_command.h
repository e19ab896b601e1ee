// `trainhost plugins check FILE`: asks a plugin file what its kind promises, and says what it answered.
#pragma once
#include <iosfwd>

#include "base/error.h"
#include "commands/command_line.h"

namespace trainhost {

/// One line for each question on `out`, then "N passed, M failed, K skipped"; kPlugin when one failed. Throws Error for a file that the host would not load.
ExitCode check_command(const Request& request, std::ostream& out);

}  // namespace trainhost
