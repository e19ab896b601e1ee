// How the body of a question says no: it throws, and answer<body> makes a verdict of it in the same library.
#pragma once

#include <exception>
#include <string>
#include <utility>

#include "conformance/conformance.h"
#include "trainhost/cpp/error.hpp"
#include "trainhost/format.hpp"

namespace trainhost::conformance {

struct Failed {
  std::string reason;
};
struct Skipped {
  std::string reason;
};

template <class... Args>
[[noreturn]] void fail(std::string_view text, const Args&... args) {
  throw Failed{format(text, args...)};
}

template <class... Args>
[[noreturn]] void skip(std::string_view text, const Args&... args) {
  throw Skipped{format(text, args...)};
}

template <class... Args>
void require(bool is_so, std::string_view text, const Args&... args) {
  if (!is_so) fail(text, args...);
}

// An exception that the plugin let through the C boundary never comes here: call it through ask() of specimen.h.
template <void (*body)(const Subject&)>
Verdict answer(const Subject& subject) {
  try {
    body(subject);
    return {};
  } catch (const Failed& failed) {
    return {Outcome::kFail, failed.reason};
  } catch (const Skipped& skipped) {
    return {Outcome::kSkipped, skipped.reason};
  } catch (const std::exception& error) {
    return {Outcome::kFail, error.what()};
  }
}

}  // namespace trainhost::conformance
