// Tells people how far a transfer is: a line that is redrawn on a terminal, now and then a plain one elsewhere. Short transfers say nothing.
#pragma once
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "telemetry/console.h"

namespace trainhost {

class TransferLine final : public LineGuard {
 public:
  struct Options {
    std::string what;          // "reading step-000000000400-a000001-n000002"
    uint64_t total_bytes = 0;  // 0: not known
    bool is_quiet = false;
    int handle = 2;
    Clock clock = monotonic_seconds;
    std::function<std::string(const char*)> environment = environment_variable;
  };
  explicit TransferLine(Options options);
  /// Takes the line off the terminal.
  ~TransferLine() override;
  TransferLine(const TransferLine&) = delete;
  TransferLine& operator=(const TransferLine&) = delete;

  /// So many bytes more have passed. [any]
  void add(uint64_t bytes);

  void before_line() override;
  void after_line() override;

 private:
  void show(double seconds);

  Options options_;
  StreamStyle style_;
  double started_;
  std::mutex mutex_;
  uint64_t done_bytes_ = 0;
  double next_seconds_;  // since the start
  bool is_on_screen_ = false;
};

/// "reading x  [#####-----]  50%  1.0 GiB of 2.0 GiB  512.0 MiB/s  2.0s left", at most `width` characters; without a bar where width is 0.
std::string transfer_text(const std::string& what, uint64_t done_bytes, uint64_t total_bytes, double seconds, size_t width);

}  // namespace trainhost
