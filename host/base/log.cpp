// spdlog behind the logging door: a plain sink on stderr and, for a run, one on console.log.
#include "base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <mutex>

#include "base/error.h"

namespace trainhost {
namespace {

// The one process-wide object of the host: every thread and plugin writes to the same terminal.
struct Sinks {
  std::mutex mutex;
  std::shared_ptr<spdlog::sinks::sink> terminal = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  std::shared_ptr<spdlog::sinks::sink> file;
  LineGuard* guard = nullptr;
  std::atomic<LogLevel> level = LogLevel::kInfo;
  Sinks() { terminal->set_pattern("%v"); }
};

Sinks& sinks() {
  static Sinks all;
  return all;
}

const char* prefix(LogLevel level) {
  switch (level) {
    case LogLevel::kWarning: return "warning: ";
    case LogLevel::kError: return "error: ";
    default: return "";
  }
}

// Returns "" or what to warn of: a console.log that can no longer be written (full disk) is closed, and must not end the run. The caller holds the mutex.
std::string write_to_file(Sinks& all, std::string_view text) {
  if (!all.file) return "";
  try {
    all.file->log(spdlog::details::log_msg("", spdlog::level::info, spdlog::string_view_t(text.data(), text.size())));
    all.file->flush();
    return "";
  } catch (const spdlog::spdlog_ex& failure) {
    all.file.reset();
    return format("warning: console.log ends here, the run goes on: {}", failure.what());
  }
}

void write_to_terminal(Sinks& all, const std::string& text) {
  if (text.empty()) return;
  all.terminal->log(spdlog::details::log_msg("", spdlog::level::info, text));
  all.terminal->flush();
}

// Around one line on the terminal.
class GuardedLine {
 public:
  explicit GuardedLine(LineGuard* guard) : guard_(guard) {
    if (guard_) guard_->before_line();
  }
  ~GuardedLine() {
    if (guard_) guard_->after_line();
  }

 private:
  LineGuard* guard_;
};

}  // namespace

void log_line(LogLevel level, std::string_view message) {
  Sinks& all = sinks();
  if (level < all.level) return;
  const std::string text = prefix(level) + std::string(message);
  const std::lock_guard lock(all.mutex);
  const GuardedLine guarded(all.guard);
  write_to_terminal(all, text);
  write_to_terminal(all, write_to_file(all, text));
}

void log_to_file(std::string_view text) {
  Sinks& all = sinks();
  const std::lock_guard lock(all.mutex);
  std::string warning;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    warning += write_to_file(all, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (warning.empty()) return;
  const GuardedLine guarded(all.guard);
  write_to_terminal(all, warning);
}

void set_log_level(LogLevel level) { sinks().level = level; }

void open_log_file(const std::string& path) {
  try {
    auto file = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
    file->set_pattern("%Y-%m-%dT%H:%M:%S.%e %v");
    const std::lock_guard lock(sinks().mutex);
    sinks().file = std::move(file);
  } catch (const spdlog::spdlog_ex& failure) {
    throw Error(ExitCode::kConfig, format("{}: cannot be opened for writing: {}; make the folder writable or choose another with --out", path, failure.what()));
  }
}

void set_line_guard(LineGuard* guard) {
  const std::lock_guard lock(sinks().mutex);
  sinks().guard = guard;
}

}  // namespace trainhost
