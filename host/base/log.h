// The door to logging: what people read. Machines read the run's log.jsonl (host/telemetry).
#pragma once
#include <string>
#include <string_view>

#include <trainhost/format.hpp>

namespace trainhost {

enum class LogLevel : int { kDebug = 0, kInfo = 1, kWarning = 2, kError = 3 };

/// Writes one line to stderr and, once opened, to console.log. Thread-safe. Secrets must not be passed in.
void log_line(LogLevel level, std::string_view message);

/// Lines below `level` are dropped. Default: kInfo.
void set_log_level(LogLevel level);

/// Also appends every line to `path` (console.log of the run folder). Throws Error(kConfig) when it cannot be opened.
void open_log_file(const std::string& path);

/// Appends lines to console.log only: for text that the terminal gets in another form (colours, stdout).
void log_to_file(std::string_view text);

/// Called before and after each line on stderr, so that a progress line on a terminal can be cleared and redrawn. Pass nullptr to detach.
class LineGuard {
 public:
  virtual ~LineGuard() = default;
  virtual void before_line() = 0;
  virtual void after_line() = 0;
};
void set_line_guard(LineGuard* guard);

template <class... Args>
void log_debug(std::string_view text, const Args&... args) {
  log_line(LogLevel::kDebug, format(text, args...));
}
template <class... Args>
void log_info(std::string_view text, const Args&... args) {
  log_line(LogLevel::kInfo, format(text, args...));
}
template <class... Args>
void log_warning(std::string_view text, const Args&... args) {
  log_line(LogLevel::kWarning, format(text, args...));
}
template <class... Args>
void log_error(std::string_view text, const Args&... args) {
  log_line(LogLevel::kError, format(text, args...));
}

}  // namespace trainhost
