// The one place that catches what plugins throw on purpose.
#include "conformance/torch/failures.h"

#include "conformance/torch/torch_subject.h"

namespace trainhost::conformance {
namespace {

bool is_utf8(const std::string& text) {
  try {
    (void)nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

}  // namespace

std::optional<std::string> refusal_of_call(std::string_view what, const std::function<void()>& call) {
  std::string words;
  try {
    call();
    return std::nullopt;
  } catch (const Failed&) {
    throw;
  } catch (const Skipped&) {
    throw;
  } catch (const std::exception& error) {
    words = first_line(error.what());
  } catch (...) {
    fail("{} threw something that is no std::exception; throw a PluginError with words", what);
  }
  require(!words.empty(), "{} threw an exception without words; say place, what, got, wanted, next step", what);
  require(is_utf8(words), "{} threw words that are no UTF-8", what);
  return words;
}

}  // namespace trainhost::conformance
