// log.jsonl: one JSON object a line, for machines.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "telemetry/event.h"

namespace trainhost {

/// Appends one line an event with one write(2): {"v":1,"seq":412,"time":"..Z","event":"step",<details>}. Nothing that was written is ever altered: a half
/// last line of a killed process stays, closed by a newline, and readers skip it. seq goes on where the last whole line ended.
/// A line that cannot be written (full disk) does not end the run: training goes on, the first failure is logged as a warning, its seq stays a gap, the
/// next line is tried anew, and report() says at the end how many are missing. What ends a run on a full disk is the checkpoint (exit 16).
class RunLog {
 public:
  /// Opens or creates the file. Throws Error(kConfig).
  static std::unique_ptr<RunLog> open(const std::filesystem::path& path);
  ~RunLog();
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

  void write(const Event& event);  // [any]

  uint64_t next_seq() const;           // [any]
  uint64_t num_missing_lines() const;  // [any]
  /// "runs/a/log.jsonl: 12 events are missing: No space left on device", empty when all were written. [any]
  std::string report() const;

  /// The newest whole line of this event in a file, nullopt when it has none or there is no file. Reads from the end.
  static std::optional<nlohmann::json> last_line(const std::filesystem::path& path, std::string_view event);

 private:
  RunLog(std::filesystem::path path, int handle) : path_(std::move(path)), handle_(handle) {}

  std::filesystem::path path_;
  int handle_;
  mutable std::mutex mutex_;
  uint64_t next_seq_ = 0, num_missing_ = 0;
  bool needs_newline_ = false;  // the file ends in a part of a line
  std::string failure_;
};

/// The line of an event, with its newline.
std::string log_line_text(const Event& event, uint64_t seq);

}  // namespace trainhost
