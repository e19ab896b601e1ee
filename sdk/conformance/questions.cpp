// All questions in the order in which they are asked: what needs no instance comes first.
#include "conformance/questions.h"
#include "conformance/kind_calls.h"

namespace trainhost::conformance {

const std::vector<Question>& questions() {
  static const std::vector<Question> all = [] {
    std::vector<Question> list;
    for (const auto part : {elf_questions(), settings_questions(), any_kind_questions(), state_questions(), precision_policy_questions(),
                            accumulation_schedule_questions(), data_source_questions(), checkpoint_backend_questions(), checkpoint_race_questions(),
                            stopping_rule_questions(), lr_schedule_questions(), observer_questions()})
      list.insert(list.end(), part.begin(), part.end());
    return list;
  }();
  return all;
}

const KindCalls* calls_of(std::string_view kind) {
  for (const KindCalls* calls : {&kPrecisionPolicyCalls, &kAccumulationScheduleCalls, &kDataSourceCalls, &kCheckpointBackendCalls, &kStoppingRuleCalls,
                                 &kLrScheduleCalls, &kObserverCalls})
    if (calls->kind == kind) return calls;
  return nullptr;
}

}  // namespace trainhost::conformance
