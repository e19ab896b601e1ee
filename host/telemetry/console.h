// What people see: tables before and after, and the live line between.
#pragma once
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "telemetry/views.h"

namespace trainhost {

/// How a stream wants to be written to.
struct StreamStyle {
  bool is_terminal = false;
  bool is_live = false;  // a terminal that can redraw a line
  bool has_colour = false;
};
/// A terminal is live unless TERM is dumb. Colours: never with NO_COLOR, always with CLICOLOR_FORCE (not 0), else on a live terminal.
/// `environment` returns "" for what is not set.
StreamStyle stream_style(int handle, const std::function<std::string(const char*)>& environment);
std::string environment_variable(const char* name);
/// A stream that is gone (closed pipe, full disk) must not end a run, so failures are let go.
void write_text(int handle, std::string_view text);

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
  /// On a live terminal the line is redrawn in place, at most ten times a second. Elsewhere, and in console.log, lines that are due are printed, at most
  /// one a second. The newest line that was not printed is, before the next of the functions below; so call this once unasked when the loop has ended.
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
  void print_plain_progress(const std::string& text);
  std::string take_pending_progress();
  void clear_live_line();
  void draw_live_line();
  void finish_live_line();
  size_t terminal_width() const;

  Options options_;
  StreamStyle error_style_, answer_style_;
  mutable std::mutex mutex_;          // guards what follows, and the line of the terminal; taken after the log's own, never before it
  std::optional<ProgressLine> line_;  // the newest; absent before and after training
  bool is_pending_ = false;           // it was not printed yet
  std::optional<ProgressLine> printed_;  // the newest that was
  bool is_on_screen_ = false;
  double last_drawn_seconds_ = -1e300, last_printed_seconds_ = -1e300;
};

}  // namespace trainhost
