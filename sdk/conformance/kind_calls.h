// What the questions for every kind must know of one: how it is used, how it is made to fail, what may be called from several threads.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "conformance/specimen.h"

namespace trainhost::conformance {

struct FailingCall {
  const char* what;
  // A call that ought to fail; error may be NULL.
  trainhost_status (*call)(const Specimen&, trainhost_error*);
};

struct KindCalls {
  std::string_view kind;
  // The usual calls in their order, on a started instance; the answers as text: the same for any two instances of one config.
  std::string (*use)(const Specimen&);
  // Those of them that are [io] or [any], on objects that exist already; NULL when the kind has none.
  std::string (*use_from_any_thread)(const Specimen&);
  std::span<const FailingCall> failing_calls;
};

// nullptr for kinds that need LibTorch: their calls are known to libtrainhost_conformance_torch.so alone.
const KindCalls* calls_of(std::string_view kind);

extern const KindCalls kPrecisionPolicyCalls, kAccumulationScheduleCalls, kDataSourceCalls, kCheckpointBackendCalls, kStoppingRuleCalls, kLrScheduleCalls,
    kObserverCalls;

}  // namespace trainhost::conformance
