// Asks for the verdict and believes it only as far as it is well-formed.
#include "plugin/stopping_rule.h"

#include "plugin/guarded.h"
#include "plugin/text.h"

namespace trainhost {

StoppingRule::StoppingRule(Instance& instance) : instance_(instance), table_(instance.table<trainhost_stopping_rule>(TRAINHOST_STOPPING_RULE)) {
  instance_.require(TRAINHOST_STOPPING_RULE, {{"check", table_.check}});
}

Verdict StoppingRule::check(const trainhost_progress& progress, std::span<const trainhost_metric> metrics) const {
  const Guarded<trainhost_progress> now(progress);
  Guarded<trainhost_verdict> answer;
  instance_.train_call(
      "check", [&](trainhost_error* error) { return table_.check(instance_.handle(), &now.value, metrics.data(), metrics.size(), &answer.value, error); });
  if (!answer.is_intact()) throw instance_.broken_promise("check", "wrote beyond its verdict");
  const trainhost_verdict& verdict = answer.value;
  if (verdict.reason_length > sizeof verdict.reason)
    throw instance_.broken_promise("check", format("reason_length is {}, wanted at most {}; the reason begins \"{}\"", verdict.reason_length,
                                                   sizeof verdict.reason, clean_text({verdict.reason, sizeof verdict.reason}, 80)));
  if (verdict.stop == TRAINHOST_STOP_NO) return {};
  const std::string_view reason(verdict.reason, verdict.reason_length);
  if (!is_valid_utf8(reason)) throw instance_.broken_promise("check", format("its reason is not UTF-8: \"{}\"", clean_text(reason, 80)));
  if (reason.empty()) throw instance_.broken_promise("check", format("said stop ({}) without a reason", verdict.stop));
  const bool is_known = verdict.stop > TRAINHOST_STOP_NO && verdict.stop <= TRAINHOST_STOP_DIVERGED;
  return {is_known ? verdict.stop : TRAINHOST_STOP_DONE, verdict.restore_best != 0, clean_text(reason)};
}

}  // namespace trainhost
