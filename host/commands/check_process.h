// One question in a process of its own, so that a plugin that crashes or hangs costs one answer and not the check.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "conformance/conformance.h"

namespace trainhost {

/// Runs this program with the arguments; what it says of itself goes to FOLDER/output.txt, its verdict comes from FOLDER/answer.txt. A child that is killed
/// by a signal, ends without a verdict or is not done after `limit_s` is a failure that says so. Throws Error(kFailure) when it cannot be started.
conformance::Verdict ask_in_a_process(const std::vector<std::string>& arguments, const std::filesystem::path& folder, double limit_s);

/// The child's side: asks, and writes the verdict to FOLDER/answer.txt. The process dies with its parent.
void answer_into(const std::filesystem::path& folder, const conformance::Question& question, const conformance::Subject& subject);

}  // namespace trainhost
