// The same in C++, through the glue: the target of the build becomes the oldest host in the metadata.
#include <trainhost/plugin.hpp>

namespace {

class Rule final : public trainhost::StoppingRule {
 public:
  trainhost::Verdict check([[maybe_unused]] const trainhost::Progress& progress, std::span<const trainhost::Metric>) override {
#if TRAINHOST_TARGET_MINOR >= TRAINHOST_ABI_MINOR
    return trainhost::Verdict::done("progress {}", progress.pretended);
#else
    return trainhost::Verdict::done("nothing new is declared");
#endif
  }
};

}  // namespace

TRAINHOST_PLUGIN(Rule, {.kind = "stopping_rule", .name = "next_cpp_rule", .version = "1.0.0", .summary = "new"})
