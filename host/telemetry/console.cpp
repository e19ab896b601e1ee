// The terminal: who writes when, and the line that is redrawn in place.
#include "telemetry/console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdlib>

#include "base/table.h"

namespace trainhost {
namespace {

constexpr double kSecondsBetweenDraws = 0.1, kSecondsBetweenLines = 1;
constexpr size_t kNoLimit = 100000;

// Time has gone on, the training has not.
bool says_the_same(const ProgressLine& a, const ProgressLine& b) {
  const auto is_same = [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); };
  return a.step == b.step && a.skipped_windows == b.skipped_windows && is_same(a.loss, b.loss) && is_same(a.heldout_loss, b.heldout_loss);
}

}  // namespace

void write_text(int handle, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(handle, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<size_t>(written));
  }
}

std::string environment_variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

StreamStyle stream_style(int handle, const std::function<std::string(const char*)>& environment) {
  StreamStyle style;
  style.is_terminal = ::isatty(handle) == 1;
  style.is_live = style.is_terminal && environment("TERM") != "dumb";
  const std::string force = environment("CLICOLOR_FORCE");
  const bool is_forced = !force.empty() && force != "0";
  style.has_colour = environment("NO_COLOR").empty() && (is_forced || style.is_live);
  return style;
}

Console::Console(Options options)
    : options_(std::move(options)),
      error_style_(stream_style(options_.error_handle, options_.environment)),
      answer_style_(stream_style(options_.answer_handle, options_.environment)) {
  set_line_guard(this);
}

Console::~Console() {
  set_line_guard(nullptr);
  const std::lock_guard lock(mutex_);
  if (is_on_screen_) write_text(options_.error_handle, "\n");  // an error message may follow
}

void Console::loaded(const std::vector<LoadedPlugin>& plugins) { print(Stream::kError, "plugins", loaded_text(plugins)); }
void Console::plan(const PlanView& plan) { print(Stream::kError, "plan", plan_text(plan)); }
void Console::evaluation(const EvaluationView& evaluation) { print(Stream::kError, "", evaluation_text(evaluation)); }
void Console::stopped(const StopView& stop) { print(Stream::kAnswer, "stopped", stop_text(stop)); }
void Console::ledger(std::string_view table) { print(Stream::kAnswer, "where time went", table); }
void Console::folder(const std::string& path) { print(Stream::kAnswer, "run folder", format("  {}\n", path)); }
void Console::result(std::string_view label, std::string_view value) { print(Stream::kAnswer, label, format("  {}\n", value)); }

void Console::sample(std::string_view prompt, std::string_view text) {
  std::string all = std::string(prompt) + std::string(text);
  if (all.empty() || all.back() != '\n') all += '\n';
  const bool goes_to_terminal = options_.is_json ? error_style_.is_terminal : answer_style_.is_terminal;
  print(Stream::kAnswer, "sample", goes_to_terminal ? printable_text(all) : all);
}

void Console::json(std::string_view object) {
  const std::lock_guard lock(mutex_);
  clear_live_line();
  write_text(options_.answer_handle, std::string(object) + "\n");
}

bool Console::wants_progress(bool is_due) const {
  const double now = options_.clock();
  const std::lock_guard lock(mutex_);
  const bool is_live = error_style_.is_live && !options_.is_quiet;
  return (is_live && now - last_drawn_seconds_ >= kSecondsBetweenDraws) || (is_due && now - last_printed_seconds_ >= kSecondsBetweenLines);
}

void Console::progress(const ProgressLine& line, bool is_due) {
  const double now = options_.clock();
  std::string text;
  {
    const std::lock_guard lock(mutex_);
    line_ = line;
    is_pending_ = true;
    if (now - last_drawn_seconds_ >= kSecondsBetweenDraws) {
      last_drawn_seconds_ = now;
      draw_live_line();
    }
    if (is_due && now - last_printed_seconds_ >= kSecondsBetweenLines) text = take_pending_progress();
  }
  print_plain_progress(text);
}

void Console::before_line() {
  mutex_.lock();  // until after_line(), so that nothing comes between
  clear_live_line();
}

void Console::after_line() {
  draw_live_line();
  mutex_.unlock();
}

void Console::print(Stream stream, std::string_view heading, std::string_view text) {
  const bool is_answer = stream == Stream::kAnswer && !options_.is_json;
  const bool is_shown = is_answer || !options_.is_quiet;
  const StreamStyle& style = is_answer ? answer_style_ : error_style_;
  std::string pending;
  {
    const std::lock_guard lock(mutex_);
    pending = take_pending_progress();
  }
  print_plain_progress(pending);
  const std::string title = heading.empty() ? "" : std::string(heading) + "\n";
  if (is_shown) {
    const std::lock_guard lock(mutex_);
    if (stream == Stream::kAnswer) finish_live_line();
    clear_live_line();
    const std::string shown = style.has_colour && !heading.empty() ? format("\x1b[1m{}\x1b[0m\n", heading) : title;
    write_text(is_answer ? options_.answer_handle : options_.error_handle, shown + std::string(text));
    draw_live_line();
  }
  log_to_file(title + printable_text(text));
}

// Takes no lock of its own, the log does.
void Console::print_plain_progress(const std::string& text) {
  if (text.empty()) return;
  if (!error_style_.is_live && !options_.is_quiet) {
    const std::lock_guard lock(mutex_);
    write_text(options_.error_handle, text + "\n");
  }
  log_to_file(text);
}

// The caller holds the mutex.
std::string Console::take_pending_progress() {
  if (!line_ || !is_pending_) return "";
  is_pending_ = false;
  if (printed_ && says_the_same(*printed_, *line_)) return "";
  printed_ = line_;
  last_printed_seconds_ = options_.clock();
  return progress_text(*line_, kNoLimit);
}

void Console::clear_live_line() {
  if (!is_on_screen_) return;
  write_text(options_.error_handle, "\r\x1b[K");
  is_on_screen_ = false;
}

// The answer ends training: its last line stays on the screen.
void Console::finish_live_line() {
  draw_live_line();
  if (is_on_screen_) write_text(options_.error_handle, "\n");
  is_on_screen_ = false;
  line_.reset();
}

void Console::draw_live_line() {
  if (!line_ || !error_style_.is_live || options_.is_quiet) return;
  write_text(options_.error_handle, "\r" + progress_text(*line_, terminal_width() - 1) + "\x1b[K");  // the last column would wrap
  is_on_screen_ = true;
}

size_t Console::terminal_width() const {
  winsize size{};
  if (::ioctl(options_.error_handle, TIOCGWINSZ, &size) == 0 && size.ws_col > 1) return size.ws_col;
  const int columns = std::atoi(options_.environment("COLUMNS").c_str());
  return columns > 1 ? static_cast<size_t>(columns) : 80;
}

}  // namespace trainhost
