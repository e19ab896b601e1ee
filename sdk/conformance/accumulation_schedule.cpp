// Questions for accumulation schedules: windows, and what becomes of them when memory runs out.
#include "trainhost/accumulation_schedule.h"

#include <cmath>
#include <optional>

#include "conformance/config_values.h"
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

trainhost_window next_window(const Specimen& plugin, const trainhost_progress& at, trainhost_window last) {
  last.struct_size = sizeof last;
  const auto progress = placed_progress(at);
  const Placed<trainhost_window> window(last, "trainhost_window");
  expect("next_window", table_of(plugin).next_window, plugin.c(), progress.get(), window.get());
  require(window->struct_size <= sizeof last, "next_window has enlarged struct_size");
  return *window;
}

trainhost_window next_window(const Specimen& plugin, std::uint64_t step, const trainhost_window& last) { return next_window(plugin, progress_at(step), last); }

Said out_of_memory(const Specimen& plugin, const trainhost_window& failed, std::uint64_t attempt, std::uint64_t& samples) {
  const Placed<trainhost_window> window(failed, "trainhost_window");
  return ask("out_of_memory", table_of(plugin).out_of_memory, plugin.c(), window.get(), attempt, &samples);
}

std::string use_accumulation_schedule(const Specimen& plugin) {
  std::string answers;
  trainhost_window window{};
  for (std::uint64_t step = 0; step < 20; ++step) answers += text_of(window = next_window(plugin, step, window)) + "\n";
  std::uint64_t samples = 0;
  const Said said = out_of_memory(plugin, window, 1, samples);
  return answers + (said.is_ok() ? format("{}", samples) : conformance::text_of(said));
}

// `place`: what else is to be said of where it stands.
void check_whole(const trainhost_window& window, std::uint64_t number, const std::string& place = "the usual settings") {
  require(window.micro_batch_samples >= 1, "window {} ({}): micro_batch_samples is 0, wanted at least 1", number, place);
  const int targets = (window.num_micro_batches != 0) + (window.target_samples != 0) + (window.target_tokens != 0);
  require(targets == 1, "window {} ({}): {}; wanted exactly one of the three targets", number, place, text_of(window));
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

// ---- any settings, anywhere in a run

// Progress as it may be: early, late, without a stated length, with nothing measured.
trainhost_progress any_progress(std::mt19937_64& random) {
  constexpr std::uint64_t kSteps[] = {0, 1, 1000, 1'000'000, std::uint64_t{1} << 40};
  trainhost_progress progress = progress_at(kSteps[random() % std::size(kSteps)] + random() % 1000);
  if (random() % 2) progress.fraction = NAN;
  if (random() % 4 == 0) progress.seconds = 0, progress.cost = progress.energy_kwh = progress.loss = progress.loss_ema = progress.gradient_norm = NAN;
  return progress;
}

// What the window is made of, counted as the host counts when it cuts. nullopt: by tokens, which nobody knows before the data are read.
std::optional<std::uint64_t> sum_of_pieces(const trainhost_window& window) {
  if (window.target_tokens != 0) return std::nullopt;
  if (window.target_samples != 0) return window.target_samples;  // the last piece is what is left
  std::uint64_t sum = 0;
  const bool is_too_large = __builtin_mul_overflow(window.num_micro_batches, window.micro_batch_samples, &sum);
  require(!is_too_large, "{}: more samples than 64 bits count", text_of(window));
  return sum;
}

std::string text_of(const std::optional<std::uint64_t>& samples) { return samples ? format("{} samples", *samples) : "a number of tokens"; }

// One window, and the same one after each out of memory down to a single sample.
void check_window_and_its_pieces(const Specimen& plugin, const trainhost_progress& at, const std::string& place) {
  constexpr int kMostFailures = 100;
  trainhost_window window = next_window(plugin, at, {});
  check_whole(window, at.windows + 1, place);
  const std::optional<std::uint64_t> asked = sum_of_pieces(window);
  const std::uint64_t tokens = window.target_tokens;
  for (std::uint64_t attempt = 1; attempt <= kMostFailures; ++attempt) {
    std::uint64_t samples = 0;
    if (!out_of_memory(plugin, window, attempt, samples).is_ok()) return;
    require(samples >= 1 && samples < window.micro_batch_samples, "{}: out of memory with {} samples at once is answered with {}", place,
            window.micro_batch_samples, samples);
    window.micro_batch_samples = samples;
    window = next_window(plugin, at, window);
    check_whole(window, at.windows + 1, place);
    require(sum_of_pieces(window) == asked && window.target_tokens == tokens,
            "{}: the window was {} at first, and in pieces of {} it is {}; the pieces must sum to the window that was asked", place, text_of(asked),
            window.micro_batch_samples, text_of(sum_of_pieces(window)));
  }
}

void pieces_sum_to_the_window(const Subject& subject) {
  constexpr int kPlaces = 300, kUsualOnes = 20;
  std::mt19937_64 random(subject.seed);
  int num_asked = 0;
  for (int i = 0; i < kPlaces; ++i) {
    Specimen plugin(subject);  // a new one each time: what has run out of memory once stays small
    const bool is_usual = i < kUsualOnes;
    const nlohmann::json config = is_usual ? plugin.config() : subject.host.apply_schema(subject.record().schema, random_settings(subject, random));
    if (!plugin.try_create(config).is_ok()) continue;  // settings/takes_or_refuses_what_is_inside asks about refusals
    try {
      testing::PluginUnderTest& as_it_is = plugin;
      as_it_is.start();
    } catch (const PluginError&) {
      continue;
    }
    const trainhost_progress at = any_progress(random);
    check_window_and_its_pieces(plugin, at, format("{} at step {}", shown(subject.record().schema, config), at.step));
    ++num_asked;
  }
  if (num_asked == 0) skip("it refuses the settings that were given, and {} random ones; give it settings with which it starts", kPlaces - kUsualOnes);
}

constexpr FailingCall kAccumulationScheduleFailing[] = {{"out_of_memory with one sample", [](const Specimen& plugin, trainhost_error* error) {
                                       const Placed<trainhost_window> failed({sizeof(trainhost_window), 0, 1, 1, 0, 0}, "trainhost_window");
                                       std::uint64_t samples = 0;
                                       return table_of(plugin).out_of_memory(plugin.c(), failed.get(), 1, &samples, error);
                                     }}};

constexpr std::string_view kAccumulationScheduleKind = "accumulation_schedule";
constexpr Question kAccumulationScheduleQuestions[] = {
    {"accumulation_schedule/windows_are_whole", "Every window has a micro-batch at least, and one target", kAccumulationScheduleKind, Scope::kPlugin, answer<windows_are_whole>},
    {"accumulation_schedule/same_progress_same_windows", "The windows are a function of the run's progress", kAccumulationScheduleKind, Scope::kPlugin,
     answer<same_progress_same_windows>},
    {"accumulation_schedule/out_of_memory_shrinks_micro_batches_only", "Out of memory leads to smaller pieces of the same window, and ends", kAccumulationScheduleKind,
     Scope::kPlugin, answer<out_of_memory_shrinks_micro_batches_only>},
    {"accumulation_schedule/pieces_sum_to_the_window", "With any settings, anywhere in a run, a window has a micro-batch at least, and its pieces sum to it",
     kAccumulationScheduleKind, Scope::kPlugin, answer<pieces_sum_to_the_window>},
};

}  // namespace

const KindCalls kAccumulationScheduleCalls{kAccumulationScheduleKind, use_accumulation_schedule, nullptr, kAccumulationScheduleFailing};
std::span<const Question> accumulation_schedule_questions() { return kAccumulationScheduleQuestions; }

}  // namespace trainhost::conformance
