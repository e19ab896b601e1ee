// Questions for stopping rules: the verdict and its reason.
#include "trainhost/stopping_rule.h"

#include "conformance/facts.h"
#include "conformance/kind_calls.h"
#include "conformance/questions.h"
#include "trainhost/state.h"

namespace trainhost::conformance {
namespace {

constexpr std::size_t kMoments = 400;

struct Judged {
  Said said;
  std::int32_t stop;
  std::string reason;

  std::string text() const { return said.is_ok() ? format("{} \"{}\"", stop, reason) : text_of(said); }
};

Judged judge(const Specimen& plugin, const Moment& moment) {
  const auto progress = placed_progress(moment.progress);
  const Placed<trainhost_verdict> verdict({sizeof(trainhost_verdict), TRAINHOST_STOP_NO, 0, 0, {}}, "trainhost_verdict");
  const auto metrics = testing::c_metrics(moment.metrics);
  const Said said = ask("check", plugin.need<trainhost_stopping_rule>(TRAINHOST_STOPPING_RULE).check, plugin.c(), progress.get(), metrics.data(),
                        metrics.size(), verdict.get());
  require(verdict->struct_size <= sizeof(trainhost_verdict), "check has enlarged struct_size");
  require(verdict->reason_length <= sizeof verdict->reason, "reason_length is {}, the buffer has {} bytes", verdict->reason_length, sizeof verdict->reason);
  return {said, verdict->stop, std::string(verdict->reason, verdict->reason_length)};
}

std::string use_stopping_rule(const Specimen& plugin) {
  std::mt19937_64 random(7);
  std::string answers;
  for (const Moment& moment : made_up_run(random, 50)) answers += judge(plugin, moment).text() + "\n";
  return answers;
}

void same_input_same_verdict(const Subject& subject) {
  std::mt19937_64 random(subject.seed);
  const std::vector<Moment> run = made_up_run(random, kMoments);
  Specimen first(subject), second(subject);
  first.begin(), second.begin();
  for (std::size_t i = 0; i < run.size(); ++i) {
    const std::string one = judge(first, run[i]).text(), other = judge(second, run[i]).text();
    require(one == other, "window {}: {}, another instance of the same settings: {}", i, one, other);
  }
}

// Resumed in the middle, it says what it would have said.
void verdict_survives_a_resume(const Subject& subject) {
  if (!subject.record().is_stateful) skip("it says that it has no state");
  std::mt19937_64 random(subject.seed);
  const std::vector<Moment> run = made_up_run(random, kMoments);
  Specimen straight(subject), resumed(subject);
  straight.begin();
  for (std::size_t i = 0; i < kMoments / 2; ++i) (void)judge(straight, run[i]);
  resumed.create();
  resumed.load(straight.save(), subject.record().version);
  resumed.start();
  for (std::size_t i = kMoments / 2; i < kMoments; ++i) {
    const std::string one = judge(straight, run[i]).text(), other = judge(resumed, run[i]).text();
    require(one == other, "window {}: {}, after a resume at window {}: {}", i, one, kMoments / 2, other);
  }
}

void stop_has_a_reason(const Subject& subject) {
  std::mt19937_64 random(subject.seed);
  for (int repeat = 0; repeat < 10; ++repeat) {
    Specimen plugin(subject);
    plugin.begin();
    for (const Moment& moment : made_up_run(random, kMoments)) {
      const Judged judged = judge(plugin, moment);
      if (!judged.said.is_ok() || judged.stop == TRAINHOST_STOP_NO) continue;
      require(judged.stop > 0 && judged.stop <= TRAINHOST_STOP_DIVERGED, "stop is {}, which means nothing", judged.stop);
      require(!judged.reason.empty(), "it says stop ({}) at step {} without a reason", judged.stop, moment.progress.step);
      (void)nlohmann::json(judged.reason).dump();  // throws for what is no UTF-8
    }
  }
}

void bears_odd_numbers(const Subject& subject) {
  std::mt19937_64 random(subject.seed);
  for (int repeat = 0; repeat < 10; ++repeat) {
    Specimen plugin(subject);
    plugin.begin();
    for (const Moment& moment : made_up_run(random, kMoments, true)) {
      const Judged judged = judge(plugin, moment);
      require(!judged.said.is_ok() || judged.stop == TRAINHOST_STOP_NO || !judged.reason.empty(),
              "among numbers that are not finite it says stop without a reason");
    }
  }
}

constexpr std::string_view kStoppingRuleKind = "stopping_rule";
constexpr Question kStoppingRuleQuestions[] = {
    {"stopping_rule/same_input_same_verdict", "The verdict is a function of settings and input", kStoppingRuleKind, Scope::kPlugin, answer<same_input_same_verdict>},
    {"stopping_rule/verdict_survives_a_resume", "Resumed from its state, it says what it would have said", kStoppingRuleKind, Scope::kPlugin,
     answer<verdict_survives_a_resume>},
    {"stopping_rule/stop_has_a_reason", "Whoever says stop says why", kStoppingRuleKind, Scope::kPlugin, answer<stop_has_a_reason>},
    {"stopping_rule/bears_odd_numbers", "Losses and costs that are not finite are borne", kStoppingRuleKind, Scope::kPlugin, answer<bears_odd_numbers>},
};

}  // namespace

const KindCalls kStoppingRuleCalls{kStoppingRuleKind, use_stopping_rule, nullptr, {}};
std::span<const Question> stopping_rule_questions() { return kStoppingRuleQuestions; }

}  // namespace trainhost::conformance
