// Verdicts as text, for the way from the process that asks to the one that prints.
#include "conformance/conformance.h"

namespace trainhost::conformance {
namespace {

constexpr std::pair<Outcome, std::string_view> kWords[] = {{Outcome::kOk, "ok"}, {Outcome::kFail, "fail"}, {Outcome::kSkipped, "skipped"}};

}  // namespace

std::string verdict_text(const Verdict& verdict) {
  for (const auto& [outcome, word] : kWords)
    if (outcome == verdict.outcome) return std::string(word) + "\n" + verdict.reason;
  return {};
}

std::optional<Verdict> parse_verdict(std::string_view text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  for (const auto& [outcome, word] : kWords)
    if (word == text.substr(0, end)) return Verdict{outcome, std::string(text.substr(end + 1))};
  return std::nullopt;
}

}  // namespace trainhost::conformance
