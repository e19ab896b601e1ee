// Questions for learning-rate schedules: the factors.
#include "trainhost/lr_schedule.h"

#include <cmath>

#include "conformance/facts.h"
#include "conformance/kind_calls.h"
#include "conformance/questions.h"

namespace trainhost::conformance {
namespace {

constexpr std::uint64_t kScheduleSteps = 1000;

const trainhost_lr_schedule& table_of(const Specimen& plugin) { return plugin.need<trainhost_lr_schedule>(TRAINHOST_LR_SCHEDULE); }

// A run of 1000 steps, or one whose length nobody has stated. An empty answer: it needs the length.
std::vector<double> factors(const Specimen& plugin, std::uint64_t first, std::uint64_t count, bool has_length = true) {
  trainhost_progress at = progress_at(first);
  if (!has_length) at.fraction = std::nan("");
  const auto progress = placed_progress(at);
  const GuardedMemory fractions(count * sizeof(double), "fractions"), out(count * sizeof(double), "out of factors");
  auto* const fraction = reinterpret_cast<double*>(fractions.data());
  auto* const factor = reinterpret_cast<double*>(out.data());
  for (std::uint64_t i = 0; i < count; ++i) fraction[i] = has_length ? static_cast<double>(first + i) / kScheduleSteps : std::nan(""), factor[i] = std::nan("");
  const Said said = ask("factors", table_of(plugin).factors, plugin.c(), progress.get(), fraction, count, factor);
  if (!has_length && said.status == TRAINHOST_FAILED_PRECONDITION) return {};
  require(said.is_ok(), "factors: {}", text_of(said));
  return {factor, factor + count};
}

bool update(const Specimen& plugin, const Moment& moment) {
  std::uint32_t is_changed = 0;
  const auto progress = placed_progress(moment.progress);
  const auto metrics = testing::c_metrics(moment.metrics);
  expect("update", table_of(plugin).update, plugin.c(), progress.get(), metrics.data(), metrics.size(), &is_changed);
  return is_changed != 0;
}

std::string use_lr_schedule(const Specimen& plugin) {
  std::string answers;
  for (const double factor : factors(plugin, 0, 100)) answers += format("{} ", factor);
  return answers;
}

void factors_are_finite(const Subject& subject) {
  Specimen plugin(subject);
  plugin.begin();
  for (const bool has_length : {true, false}) {
    const std::vector<double> all = factors(plugin, 0, 2 * kScheduleSteps, has_length);  // beyond the end, where a run may go on
    for (std::size_t i = 0; i < all.size(); ++i)
      require(std::isfinite(all[i]) && all[i] >= 0, "the factor of step {} is {}, wanted a finite number from 0", i, all[i]);
  }
}

void same_step_same_factor(const Subject& subject) {
  Specimen plugin(subject), other(subject);
  plugin.begin(), other.begin();
  const std::vector<double> all = factors(plugin, 0, kScheduleSteps);
  require(factors(other, 0, kScheduleSteps) == all, "another instance of the same settings has other factors");
  std::mt19937_64 random(subject.seed);
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t first = random() % kScheduleSteps, count = 1 + random() % std::min<std::uint64_t>(kScheduleSteps - first, 40);
    const std::vector<double> part = factors(plugin, first, count);
    for (std::uint64_t k = 0; k < count; ++k)
      require(part[k] == all[first + k], "the factor of step {} is {} when asked from step 0 and {} when asked from step {}", first + k, all[first + k],
              part[k], first);
  }
}

void says_when_factors_change(const Subject& subject) {
  Specimen plugin(subject);
  plugin.begin();
  if (!table_of(plugin).update) skip("it does not react to evaluations: update is NULL");
  std::mt19937_64 random(subject.seed);
  std::vector<double> before = factors(plugin, 0, kScheduleSteps);
  for (const Moment& moment : made_up_run(random, 400)) {
    const bool is_changed = update(plugin, moment);
    const std::vector<double> now = factors(plugin, 0, kScheduleSteps);
    require(is_changed || now == before, "after step {} its factors are others, but update did not say so", moment.progress.step);
    for (const double factor : now) require(std::isfinite(factor) && factor >= 0, "after step {} a factor is {}", moment.progress.step, factor);
    before = now;
  }
}

constexpr std::string_view kLrScheduleKind = "lr_schedule";
constexpr Question kLrScheduleQuestions[] = {
    {"lr_schedule/factors_are_finite", "Every factor is a finite number from 0, also beyond the end of the run", kLrScheduleKind, Scope::kPlugin,
     answer<factors_are_finite>},
    {"lr_schedule/same_step_same_factor", "A step has one factor, however it is asked for", kLrScheduleKind, Scope::kPlugin, answer<same_step_same_factor>},
    {"lr_schedule/says_when_factors_change", "Factors change in update only, which says so", kLrScheduleKind, Scope::kPlugin, answer<says_when_factors_change>},
};

}  // namespace

const KindCalls kLrScheduleCalls{kLrScheduleKind, use_lr_schedule, nullptr, {}};
std::span<const Question> lr_schedule_questions() { return kLrScheduleQuestions; }

}  // namespace trainhost::conformance
