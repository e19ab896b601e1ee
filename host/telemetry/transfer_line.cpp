// When to say something, and what.
#include "telemetry/transfer_line.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "base/files.h"
#include "base/table.h"

namespace trainhost {
namespace {

constexpr double kSecondsOfSilence = 1, kSecondsBetweenBars = 0.1, kSecondsBetweenReports = 10;
constexpr size_t kBarWidth = 24, kUsualWidth = 80;

size_t terminal_width(int handle) {
  winsize size{};
  return ::ioctl(handle, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kUsualWidth;
}

}  // namespace

std::string transfer_text(const std::string& what, uint64_t done_bytes, uint64_t total_bytes, double seconds, size_t width) {
  const double done = static_cast<double>(done_bytes), total = static_cast<double>(std::max(total_bytes, done_bytes));
  const double rate = seconds > 0 ? done / seconds : 0;
  std::string text = what;
  if (total_bytes > 0) {
    const double share = total > 0 ? done / total : 1;
    const auto filled = static_cast<size_t>(share * static_cast<double>(kBarWidth));
    if (width > 0) text += "  [" + std::string(filled, '#') + std::string(kBarWidth - filled, '-') + "]";
    text += format("  {:.0f}%  {} of {}", 100 * share, human_bytes(done), human_bytes(total));
  } else {
    text += "  " + human_bytes(done);
  }
  if (rate > 0) text += format("  {}/s", human_bytes(rate));
  if (rate > 0 && total_bytes > 0 && total > done) text += format("  {} left", human_seconds((total - done) / rate));
  return width > 0 ? std::string(clip_text(text, width)) : text;
}

TransferLine::TransferLine(Options options)
    : options_(std::move(options)), style_(stream_style(options_.handle, options_.environment)), started_(options_.clock()), next_seconds_(kSecondsOfSilence) {
  set_line_guard(this);
}

TransferLine::~TransferLine() {
  set_line_guard(nullptr);
  if (is_on_screen_) write_text(options_.handle, "\r\x1b[K");
}

void TransferLine::add(uint64_t bytes) {
  const double seconds = options_.clock() - started_;
  std::string line;
  {
    const std::lock_guard lock(mutex_);
    done_bytes_ += bytes;
    if (options_.is_quiet || seconds < next_seconds_) return;
    next_seconds_ = seconds + (style_.is_live ? kSecondsBetweenBars : kSecondsBetweenReports);
    if (style_.is_live) return show(seconds);
    line = transfer_text(options_.what, done_bytes_, options_.total_bytes, seconds, 0);
  }
  log_info("{}", line);  // takes the lock through before_line()
}

void TransferLine::show(double seconds) {
  const size_t width = terminal_width(options_.handle) - 1;
  write_text(options_.handle, "\r" + transfer_text(options_.what, done_bytes_, options_.total_bytes, seconds, width) + "\x1b[K");
  is_on_screen_ = true;
}

void TransferLine::before_line() {
  mutex_.lock();  // until after_line(), so that nothing comes between
  if (is_on_screen_) write_text(options_.handle, "\r\x1b[K");
  is_on_screen_ = false;
}

void TransferLine::after_line() { mutex_.unlock(); }

}  // namespace trainhost
