// Questions for accumulation schedules: windows, and what becomes of them when memory runs out.
#include "trainhost/accumulation_schedule.h"

#include "conformance/facts.h"
#include "conformance/kind_calls.h"
#include "conformance/questions.h"

namespace trainhost::conformance {
namespace {

constexpr std::uint64_t kWindows = 200;

const trainhost_accumulation_schedule& table_of(const Specimen& plugin) {
  return plugin.need<trainhost_accumulation_schedule>(TRAINHOST_ACCUMULATION_SCHEDULE);
}

std::string text_of(const trainhost_window& window) {
  return format("micro_batch_samples {}, num_micro_batches {}, target_samples {}, target_tokens {}", window.micro_batch_samples, window.num_micro_batches,
                window.target_samples, window.target_tokens);
}

trainhost_window next_window(const Specimen& plugin, std::uint64_t step, trainhost_window last) {
  last.struct_size = sizeof last;
  const auto progress = placed_progress(progress_at(step));
  const Placed<trainhost_window> window(last, "trainhost_window");
  expect("next_window", table_of(plugin).next_window, plugin.c(), progress.get(), window.get());
  require(window->struct_size <= sizeof last, "next_window has enlarged struct_size");
  return *window;
}

Said out_of_memory(const Specimen& plugin, const trainhost_window& failed, std::uint64_t attempt, std::uint64_t& samples) {
  const Placed<trainhost_window> window(failed, "trainhost_window");
  return ask("out_of_memory", table_of(plugin).out_of_memory, plugin.c(), window.get(), attempt, &samples);
}

std::string use(const Specimen& plugin) {
  std::string answers;
  trainhost_window window{};
  for (std::uint64_t step = 0; step < 20; ++step) answers += text_of(window = next_window(plugin, step, window)) + "\n";
  std::uint64_t samples = 0;
  const Said said = out_of_memory(plugin, window, 1, samples);
  return answers + (said.is_ok() ? format("{}", samples) : conformance::text_of(said));
}

void check_whole(const trainhost_window& window, std::uint64_t number) {
  require(window.micro_batch_samples >= 1, "window {}: micro_batch_samples is 0, wanted at least 1", number);
  const int targets = (window.num_micro_batches != 0) + (window.target_samples != 0) + (window.target_tokens != 0);
  require(targets == 1, "window {}: {}; wanted exactly one of the three targets", number, text_of(window));
}

void windows_are_whole(const Subject& subject) {
  Specimen plugin(subject);
  plugin.begin();
  trainhost_window window{};
  for (std::uint64_t step = 0; step < kWindows; ++step) check_whole(window = next_window(plugin, step, window), step + 1);
}

void same_progress_same_windows(const Subject& subject) {
  Specimen first(subject), second(subject);
  first.begin(), second.begin();
  trainhost_window last{};
  for (std::uint64_t step = 0; step < kWindows; ++step) {
    const trainhost_window one = next_window(first, step, last), other = next_window(second, step, last);
    require(text_of(one) == text_of(other), "window {}: {}, another instance of the same settings: {}", step + 1, text_of(one), text_of(other));
    last = one;
  }
}

// Samples of a window over all ranks (the host of this question has one); 0 = the window is counted in tokens.
std::uint64_t samples_of(const trainhost_window& window) {
  return window.num_micro_batches ? window.num_micro_batches * window.micro_batch_samples : window.target_samples;
}

void out_of_memory_shrinks_micro_batches_only(const Subject& subject) {
  Specimen plugin(subject);
  plugin.begin();
  trainhost_window window = next_window(plugin, 0, {});
  const std::uint64_t asked = samples_of(window), tokens = window.target_tokens;
  for (std::uint64_t attempt = 1;; ++attempt) {
    std::uint64_t samples = 0;
    const Said said = out_of_memory(plugin, window, attempt, samples);
    if (!said.is_ok()) {
      require(said.status == TRAINHOST_RESOURCE_EXHAUSTED, "out_of_memory: {}; when nothing smaller is left it is RESOURCE_EXHAUSTED",
              conformance::text_of(said));
      return;
    }
    require(samples >= 1 && samples < window.micro_batch_samples, "out of memory with {} samples at once, it answers {}; wanted 1 to {}",
            window.micro_batch_samples, samples, window.micro_batch_samples - 1);
    window.micro_batch_samples = samples;
    const trainhost_window next = next_window(plugin, 0, window);
    check_whole(next, attempt + 1);
    require(next.micro_batch_samples <= samples, "{} samples at once did not fit, the next window tries {}", samples, next.micro_batch_samples);
    require(samples_of(next) == asked && next.target_tokens == tokens,
            "out of memory changed the window itself, from {} samples to {}: the optimisation would be another one; shrink the micro-batches only", asked,
            samples_of(next));
    window = next;
  }
}

constexpr FailingCall kFailing[] = {{"out_of_memory with one sample", [](const Specimen& plugin, trainhost_error* error) {
                                       const Placed<trainhost_window> failed({sizeof(trainhost_window), 0, 1, 1, 0, 0}, "trainhost_window");
                                       std::uint64_t samples = 0;
                                       return table_of(plugin).out_of_memory(plugin.c(), failed.get(), 1, &samples, error);
                                     }}};

constexpr std::string_view kKind = "accumulation_schedule";
constexpr Question kQuestions[] = {
    {"accumulation_schedule/windows_are_whole", "Every window has a micro-batch at least, and one target", kKind, Scope::kPlugin, answer<windows_are_whole>},
    {"accumulation_schedule/same_progress_same_windows", "The windows are a function of the run's progress", kKind, Scope::kPlugin,
     answer<same_progress_same_windows>},
    {"accumulation_schedule/out_of_memory_shrinks_micro_batches_only", "Out of memory leads to smaller pieces of the same window, and ends", kKind,
     Scope::kPlugin, answer<out_of_memory_shrinks_micro_batches_only>},
};

}  // namespace

const KindCalls kAccumulationScheduleCalls{kKind, use, nullptr, kFailing};
std::span<const Question> accumulation_schedule_questions() { return kQuestions; }

}  // namespace trainhost::conformance
