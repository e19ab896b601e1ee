// Appending to log.jsonl, and finding where it ended.
#include "telemetry/run_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

namespace trainhost {
namespace {

constexpr size_t kBlockBytes = size_t{1} << 16;

std::string read_at(int handle, size_t offset, size_t size) {
  std::string bytes(size, '\0');
  size_t got = 0;
  while (got < size) {
    const ssize_t piece = ::pread(handle, bytes.data() + got, size - got, static_cast<off_t>(offset + got));
    if (piece < 0 && errno == EINTR) continue;
    if (piece <= 0) break;
    got += static_cast<size_t>(piece);
  }
  bytes.resize(got);
  return bytes;
}

size_t size_of(int handle) {
  struct stat facts {};
  return ::fstat(handle, &facts) == 0 && S_ISREG(facts.st_mode) ? static_cast<size_t>(facts.st_size) : 0;
}

// Hands out the lines from the last to the first, until `visit` returns true.
void visit_lines_backwards(int handle, const std::function<bool(std::string_view)>& visit) {
  std::string rest;  // the front part of the line at hand, whose begin is in a block before
  for (size_t end = size_of(handle); end > 0;) {
    const size_t begin = end - std::min(end, kBlockBytes);
    rest.insert(0, read_at(handle, begin, end - begin));
    end = begin;
    for (size_t newline = rest.rfind('\n'); newline != std::string::npos; newline = rest.rfind('\n')) {
      if (visit(std::string_view(rest).substr(newline + 1))) return;
      rest.resize(newline);
    }
  }
  visit(rest);
}

nlohmann::json parse_line(std::string_view line) {
  nlohmann::json object = nlohmann::json::parse(line, nullptr, false);
  return object.is_object() ? object : nlohmann::json();
}

uint64_t seq_after_last_line(int handle) {
  uint64_t next = 0;
  visit_lines_backwards(handle, [&](std::string_view line) {
    const nlohmann::json object = parse_line(line);
    if (!object.contains("seq") || !object["seq"].is_number_unsigned()) return false;
    next = object["seq"].get<uint64_t>() + 1;
    return true;
  });
  return next;
}

}  // namespace

std::string log_line_text(const Event& event, uint64_t seq) {
  using Json = nlohmann::ordered_json;
  const std::string head = format("{{\"v\":1,\"seq\":{},\"time\":\"{}\",\"event\":{}", seq, utc_timestamp(event.unix_ns), Json(event.name).dump());
  const std::string details = event.details.dump(-1, ' ', false, Json::error_handler_t::replace);
  return head + (event.details.empty() ? "" : ",") + details.substr(1) + "\n";
}

std::unique_ptr<RunLog> RunLog::open(const std::filesystem::path& path) {
  const int handle = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (handle < 0)
    throw Error(ExitCode::kConfig,
                format("{}: cannot be opened for appending: {}; make the run folder writable or choose another with --out", path, std::strerror(errno)));
  std::unique_ptr<RunLog> log(new RunLog(path, handle));
  log->next_seq_ = seq_after_last_line(handle);
  const size_t size = size_of(handle);
  log->needs_newline_ = size > 0 && read_at(handle, size - 1, 1) != "\n";
  return log;
}

RunLog::~RunLog() { ::close(handle_); }

void RunLog::write(const Event& event) {
  const std::lock_guard lock(mutex_);
  const std::string line = (needs_newline_ ? "\n" : "") + log_line_text(event, next_seq_++);
  ssize_t written = 0;
  do written = ::write(handle_, line.data(), line.size());
  while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(line.size())) {
    needs_newline_ = false;
    return;
  }
  const std::string reason = written < 0 ? std::strerror(errno) : "the disk took only a part of a line";
  if (written > 0) needs_newline_ = line[static_cast<size_t>(written) - 1] != '\n';
  if (num_missing_++ == 0) log_warning("{}: cannot be written: {}; training goes on without the log, free some space", path_, reason);
  failure_ = reason;
}

uint64_t RunLog::next_seq() const {
  const std::lock_guard lock(mutex_);
  return next_seq_;
}

uint64_t RunLog::num_missing_lines() const {
  const std::lock_guard lock(mutex_);
  return num_missing_;
}

std::string RunLog::report() const {
  const std::lock_guard lock(mutex_);
  return num_missing_ == 0 ? "" : format("{}: {} events are missing: {}", path_, num_missing_, failure_);
}

std::optional<nlohmann::json> RunLog::last_line(const std::filesystem::path& path, std::string_view event) {
  const int handle = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (handle < 0) return std::nullopt;
  std::optional<nlohmann::json> found;
  visit_lines_backwards(handle, [&](std::string_view line) {
    nlohmann::json object = parse_line(line);
    if (!object.contains("event") || object["event"] != event) return false;
    found = std::move(object);
    return true;
  });
  ::close(handle);
  return found;
}

}  // namespace trainhost
