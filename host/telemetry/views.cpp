// Tables and lines for people.
#include "telemetry/views.h"

#include <algorithm>
#include <cmath>

#include <trainhost/format.hpp>

#include "base/clock.h"
#include "base/files.h"
#include "base/table.h"

namespace trainhost {
namespace {

std::string grouped(uint64_t count) {
  std::string digits = std::to_string(count);
  for (auto position = static_cast<std::ptrdiff_t>(digits.size()) - 3; position > 0; position -= 3) digits.insert(static_cast<size_t>(position), ",");
  return digits;
}

std::string amount(double cost, const std::string& currency) { return format(cost >= 0.1 || cost == 0 ? "{:.2f} {}" : "{:.4f} {}", cost, currency); }

// Length of the UTF-8 sequence at the front of the text when it is whole and shortest, else 0.
size_t valid_sequence(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xC2 && first < 0xE0 ? 2 : first >= 0xE0 && first < 0xF0 ? 3 : first >= 0xF0 && first < 0xF5 ? 4 : 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  const bool is_too_long_or_no_character =
      (first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) >= 0xA0) || (first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) >= 0x90);
  const bool is_c1_control = first == 0xC2 && byte(1) < 0xA0;
  return is_too_long_or_no_character || is_c1_control ? 0 : length;
}

struct Field {
  int rank;  // the highest is left out first
  std::string text;
};

std::vector<Field> progress_fields(const ProgressLine& line) {
  std::vector<Field> fields;
  const auto add = [&](int rank, bool is_known, auto make) {
    if (is_known) fields.push_back({rank, make()});
  };
  const auto known = [](double value) { return !std::isnan(value); };
  add(0, true, [&] { return line.max_steps > 0 ? format("step {}/{}", line.step, line.max_steps) : format("step {}", line.step); });
  add(5, known(line.fraction), [&] { return format("{:.1f}%", 100 * line.fraction); });
  add(1, known(line.loss), [&] { return format("loss {:.4f}", line.loss); });
  add(2, known(line.heldout_loss), [&] { return format("{} {:.4f}", line.heldout_name, line.heldout_loss); });
  add(10, known(line.learning_rate), [&] { return format("lr {:.2e}", line.learning_rate); });
  add(6, known(line.tokens_per_second), [&] { return format("{} tok/s", short_count(line.tokens_per_second)); });
  add(8, known(line.data_wait_ratio), [&] {
    const std::string stage = line.data_wait_ratio >= 0.01 && !line.data_wait_stage.empty() ? " " + line.data_wait_stage : "";
    return format("data {:.0f}%{}", 100 * line.data_wait_ratio, stage);
  });
  add(7, true, [&] { return human_seconds(line.elapsed_seconds); });
  add(3, known(line.seconds_left), [&] { return format("eta {}", human_seconds(line.seconds_left)); });
  add(4, line.cost.has_value(),
      [&] { return line.max_cost ? format("{:.2f}/{}", *line.cost, amount(*line.max_cost, line.currency)) : amount(*line.cost, line.currency); });
  add(9, line.skipped_windows > 0, [&] { return format("skipped {}", line.skipped_windows); });
  return fields;
}

std::string joined(const std::vector<Field>& fields) {
  std::string text;
  for (const Field& field : fields) text += (text.empty() ? "" : "  ") + field.text;
  return text;
}

}  // namespace

std::string progress_text(const ProgressLine& line, size_t width) {
  std::vector<Field> fields = progress_fields(line);
  std::string text = joined(fields);
  while (text_width(text) > width && fields.size() > 1) {
    fields.erase(std::max_element(fields.begin(), fields.end(), [](const Field& a, const Field& b) { return a.rank < b.rank; }));
    text = joined(fields);
  }
  return std::string(clip_text(text, width));
}

std::string loaded_text(const std::vector<LoadedPlugin>& plugins) {
  std::vector<std::vector<std::string>> rows;
  for (const LoadedPlugin& plugin : plugins) rows.push_back({plugin.plugin, plugin.version, plugin.why, plugin.file});
  return align_columns(rows, "llll");
}

std::string plan_text(const PlanView& plan) {
  std::vector<std::vector<std::string>> rows;
  const auto row = [&](const char* label, std::string value) {
    if (!value.empty()) rows.push_back({label, std::move(value)});
  };
  const auto known = [](double value) { return value > 0; };  // false for NaN
  row("model", plan.model);
  if (plan.num_parameters > 0)
    row("parameters", plan.num_trainable == plan.num_parameters
                          ? grouped(plan.num_parameters)
                          : format("{}, of which {} are trained", grouped(plan.num_parameters), grouped(plan.num_trainable)));
  row("device", plan.device);
  row("precision", plan.precision);
  row("window", plan.window);
  row("tokens a window", known(plan.tokens_per_window) ? grouped(static_cast<uint64_t>(plan.tokens_per_window)) : "not known");
  row("memory", known(plan.memory_bytes) ? human_bytes(plan.memory_bytes) : "not known");
  row("length", plan.length);
  row("expected duration", known(plan.expected_seconds) ? human_seconds(plan.expected_seconds) : "not known before the first steps");
  row("expected cost", plan.expected_cost ? amount(*plan.expected_cost, plan.currency) : "not measured");
  for (const auto& [label, value] : plan.more) row(label.c_str(), value);
  return align_columns(rows, "ll");
}

std::string evaluation_text(const EvaluationView& evaluation) {
  std::string text = format("evaluation {} at step {}:", evaluation.set, evaluation.step);
  for (const auto& value : evaluation.values) {
    text += format(" {} {:.4f}", value.name, value.value);
    if (!std::isnan(value.standard_error)) text += format(" +- {:.4f}", value.standard_error);
  }
  text += format(" ({}{})", human_seconds(evaluation.seconds), evaluation.is_best ? ", the best so far" : "");
  return text + "\n";
}

std::string stop_text(const StopView& stop) {
  const std::string skipped = stop.skipped_windows > 0 ? format(" ({} windows skipped)", stop.skipped_windows) : "";
  return format("  {}: {}\n  at step {}{} after {}, exit code {}\n", stop.rule, stop.reason, stop.step, skipped, human_seconds(stop.seconds), stop.exit_code);
}

std::string short_count(double count) {
  constexpr const char* kUnits[] = {"", "k", "M", "G", "T"};
  size_t unit = 0;
  for (; std::abs(count) >= 999.5 && unit + 1 < std::size(kUnits); ++unit) count /= 1000;
  return format(std::abs(count) >= 99.95 ? "{:.0f}{}" : "{:.3g}{}", count, kUnits[unit]);
}

std::string printable_text(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t length = valid_sequence(text);
    const unsigned char first = static_cast<unsigned char>(text[0]);
    const bool is_control = (first < 0x20 && first != '\n' && first != '\t') || first == 0x7F;
    if (length == 0 || is_control)
      out += "\xEF\xBF\xBD";
    else
      out += text.substr(0, length);
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

}  // namespace trainhost
