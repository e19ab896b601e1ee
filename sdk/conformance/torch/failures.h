// Calls that a LibTorch plugin may refuse: with words, by a C++ exception, and without harm to those that follow.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace trainhost::conformance {

// The words of what the call threw; nullopt: it came back. Fails the question for a throw without words, with words that are no UTF-8, or of something that is
// no std::exception. `what` names the call.
std::optional<std::string> refusal_of_call(std::string_view what, const std::function<void()>& call);

}  // namespace trainhost::conformance
