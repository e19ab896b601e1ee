// What people are told about a run, as plain structs, and the text that is made of them.
#pragma once
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trainhost {

struct LoadedPlugin {
  std::string plugin;  // "precision_policy/amp"
  std::string version;
  std::string file;  // where from
  std::string why;   // "configs/a.toml:3:12", "--plugins", "default"
};

/// NaN or 0: not known; such a row says so or is left out.
struct PlanView {
  std::string model, device, precision, window;  // "gpt: 4 layers", "cpu: 2 cores", "bf16 autocast", "4 micro-batches of 8 samples"
  uint64_t num_parameters = 0, num_trainable = 0;
  double tokens_per_window = 0, memory_bytes = 0;
  std::string length;  // "600step or 40usd"
  double expected_seconds = std::numeric_limits<double>::quiet_NaN();
  std::optional<double> expected_cost;
  std::string currency;
  std::vector<std::pair<std::string, std::string>> more;  // further rows, label and value
};

/// NaN and nullopt: not known, left out of the line.
struct ProgressLine {
  uint64_t step = 0, skipped_windows = 0;
  uint64_t max_steps = 0;  // 0: no limit in steps
  double fraction = std::numeric_limits<double>::quiet_NaN();
  double loss = std::numeric_limits<double>::quiet_NaN();
  std::string heldout_name = "heldout";
  double heldout_loss = std::numeric_limits<double>::quiet_NaN();
  double learning_rate = std::numeric_limits<double>::quiet_NaN();
  double tokens_per_second = std::numeric_limits<double>::quiet_NaN();
  double data_wait_ratio = std::numeric_limits<double>::quiet_NaN();
  std::string data_wait_stage;  // that most of it is for; shown from one per cent on
  double elapsed_seconds = 0;
  double seconds_left = std::numeric_limits<double>::quiet_NaN();
  std::optional<double> cost, max_cost;
  std::string currency;
};
/// The line without colours, at most `width` characters: whole fields are left out, the least important first.
std::string progress_text(const ProgressLine& line, size_t width);

struct EvaluationView {
  struct Value {
    std::string name;
    double value = 0, standard_error = std::numeric_limits<double>::quiet_NaN();
  };
  std::string set;
  uint64_t step = 0;
  std::vector<Value> values;
  double seconds = 0;
  bool is_best = false;
};

struct StopView {
  std::string reason;  // "loss 2.913 has not improved by 0.001 for 5 evaluations"
  std::string rule;    // "stopping_rule/earlystop", "max", "signal"
  int exit_code = 0;
  uint64_t step = 0, skipped_windows = 0;
  double seconds = 0;
};

/// Lines ended by newlines, without colours.
std::string loaded_text(const std::vector<LoadedPlugin>& plugins);
std::string plan_text(const PlanView& plan);
std::string evaluation_text(const EvaluationView& evaluation);
std::string stop_text(const StopView& stop);

/// "1.21M", "412k", "87.3".
std::string short_count(double count);

/// Text of a model may hold anything: control characters (but newline and tab) and bytes that are no UTF-8 become U+FFFD, so that a terminal obeys nothing.
std::string printable_text(std::string_view text);

}  // namespace trainhost
