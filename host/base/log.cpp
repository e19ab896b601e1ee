// spdlog behind the logging door: a plain sink on stderr and, for a run, one on console.log.
#include "base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

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

}  // namespace

void log_line(LogLevel level, std::string_view message) {
  Sinks& all = sinks();
  if (level < all.level) return;
  const std::string text = prefix(level) + std::string(message);
  const spdlog::details::log_msg line("", spdlog::level::info, text);
  const std::lock_guard lock(all.mutex);
  if (all.guard) all.guard->before_line();
  all.terminal->log(line);
  all.terminal->flush();
  if (all.guard) all.guard->after_line();
  if (!all.file) return;
  all.file->log(line);
  all.file->flush();
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
