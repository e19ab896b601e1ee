// What people see: tables before and after, and the live line between.
#pragma once
#include <cstdint>
#include <functional>
#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"

namespace trainhost {

/// How a stream wants to be written to.
struct StreamStyle {
  bool is_live = false;     // a terminal that can redraw a line
  bool has_colour = false;
};
/// A terminal is live unless TERM is dumb. Colours: never with NO_COLOR, always with CLICOLOR_FORCE (not 0), else on a live terminal.
/// `environment` returns "" for what is not set.
StreamStyle stream_style(int handle, const std::function<std::string(const char*)>& environment);
std::string environment_variable(const char* name);

struct LoadedPlugin {
  std::string plugin;   // "precision_policy/amp"
  std::string version;
  std::string file;     // where from
  std::string why;      // "configs/a.toml:3:12", "--plugins", "default"
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

/// stderr: what is loaded, plan, progress, evaluations, log lines. stdout: the answer, that is stopped(), ledger(), folder(), result(), sample(); with
/// --json these go to stderr too and stdout has the JSON alone. All of it also goes to console.log, plain. -q leaves only warnings and the answer.
/// Owns the line of the terminal: while it lives, log lines go around the live line. [any]
class Console final : public LineGuard {
 public:
  struct Options {
    bool is_quiet = false, is_json = false;
    int error_handle = 2, answer_handle = 1;
    Clock clock = monotonic_seconds;
    std::function<std::string(const char*)> environment = environment_variable;
  };
  explicit Console(Options options);
  ~Console() override;

  void loaded(const std::vector<LoadedPlugin>& plugins);
  void plan(const PlanView& plan);

  /// False when progress() would show nothing: asking first saves the making of the line. is_due: the telemetry interval has come round.
  bool wants_progress(bool is_due) const;
  /// On a terminal the line is redrawn in place, at most ten times a second. Elsewhere lines that are due are printed, at most one a second; the last
  /// one given is printed before the next of the functions below.
  void progress(const ProgressLine& line, bool is_due);
  void evaluation(const EvaluationView& evaluation);

  void stopped(const StopView& stop);
  void ledger(std::string_view table);  // report_text() of the ledger
  void folder(const std::string& path);
  void result(std::string_view label, std::string_view value);  // "held-out bits per byte", "2.131"
  void sample(std::string_view prompt, std::string_view text);
  void json(std::string_view object);  // the only thing on stdout with --json

  void before_line() override;  // of LineGuard; the log calls them
  void after_line() override;

 private:
  enum class Stream { kError, kAnswer };
  void print(Stream stream, std::string_view heading, std::string_view text);
  void print_pending_progress();
  void clear_live_line();
  void draw_live_line();
  size_t terminal_width() const;

  Options options_;
  StreamStyle error_style_, answer_style_;
  mutable std::mutex mutex_;
  std::optional<ProgressLine> line_;  // the newest
  bool is_line_shown_ = false;        // drawn (live), or printed (plain)
  bool is_line_on_screen_ = false;
  double last_shown_seconds_ = -1e300;
};

}  // namespace trainhost
