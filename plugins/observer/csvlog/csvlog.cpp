// Writes every metric of a run as one row of a CSV file.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <trainhost/plugin.hpp>

namespace {

constexpr std::string_view kHeader = "time,attempt,step,origin,set,name,value,standard_error\n";

struct Config {
  std::string file = "metrics.csv";
};

// RFC 4180: quotes around what would break a row. A row is always one line, so control characters become spaces.
std::string quoted(std::string_view text) {
  std::string out;
  for (const char c : text) out.append(c == '"' ? 2 : 1, static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
  return out.find_first_of(",\"") == out.npos ? out : '"' + out + '"';
}

std::string utc_time(std::int64_t unix_ns) {
  const std::time_t seconds = unix_ns / 1'000'000'000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  return trainhost::format("{}.{:03}Z", text, unix_ns / 1'000'000 % 1000);
}

std::string_view origin_name(const trainhost::Metric& metric) { return metric.is_evaluation() ? "evaluation" : metric.is_system() ? "system" : "train"; }

class CsvLog final : public trainhost::Observer {
 public:
  explicit CsvLog(Config config) : config_(std::move(config)) {}

  void start() override {
    path_ = std::filesystem::path(host().run_folder()) / config_.file;
    handle_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (handle_ < 0) fail(TRAINHOST_FAILED_PRECONDITION, "cannot be opened for appending");
    struct stat facts {};
    ::fstat(handle_, &facts);
    resume(static_cast<std::uint64_t>(facts.st_size));
  }

  void on_event(const trainhost::Event& event) override {
    if (event.metrics.empty()) return;
    std::string rows;
    for (const auto& metric : event.metrics) {
      const bool has_error = !std::isnan(metric.standard_error);
      rows += trainhost::format("{},{},{},{},{},{},{},{}\n", utc_time(event.unix_ns), attempt_, metric.step, origin_name(metric), quoted(metric.set),
                                quoted(metric.name), metric.value, has_error ? trainhost::format("{}", metric.standard_error) : "");
    }
    append(rows);
    has_rows_ = true;
  }

  void stop() override {
    if (handle_ < 0) return;
    ::close(std::exchange(handle_, -1));
    if (is_new_ && !has_rows_) ::unlink(path_.c_str());  // a rehearsal leaves nothing behind
  }

 private:
  // Goes on behind the last whole row: a row that a killed process left half written was never handed to a reader.
  void resume(std::uint64_t size) {
    constexpr std::uint64_t kTailBytes = 1 << 16;  // far more than a row
    is_new_ = size == 0;
    std::string tail = read(size - std::min(size, kTailBytes), std::min(size, kTailBytes));
    const bool is_half_header = size < kHeader.size() && kHeader.starts_with(tail);
    if (!is_half_header && read(0, std::min<std::uint64_t>(size, kHeader.size())) != kHeader)
      throw trainhost::PluginError(TRAINHOST_FAILED_PRECONDITION,
                                   trainhost::format("{}: is no file of csvlog, its first line is not \"{}\"; move it away or set another file", path_,
                                                     kHeader.substr(0, kHeader.size() - 1)));
    tail.resize(is_half_header ? 0 : tail.rfind('\n') + 1);
    size_ = is_half_header ? 0 : size - std::min(size, kTailBytes) + tail.size();
    if (::ftruncate(handle_, static_cast<off_t>(size_)) != 0) fail(TRAINHOST_FAILED_PRECONDITION, "cannot be cut behind its last whole row");
    if (size_ == 0) return append(kHeader);
    if (size_ > kHeader.size()) attempt_ = attempt_of_last_row(tail) + 1;
  }

  static std::uint64_t attempt_of_last_row(std::string_view tail) {
    tail.remove_suffix(1);
    const std::string_view row = tail.substr(tail.rfind('\n') + 1);
    const std::string number(row.substr(std::min(row.find(',') + 1, row.size())));
    return std::strtoull(number.c_str(), nullptr, 10);
  }

  std::string read(std::uint64_t offset, std::uint64_t size) {
    std::string bytes(size, '\0');
    const ssize_t got = ::pread(handle_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (got < 0) fail(TRAINHOST_FAILED_PRECONDITION, "cannot be read");
    bytes.resize(static_cast<std::size_t>(got));
    return bytes;
  }

  // All rows of an event or none.
  void append(std::string_view rows) {
    const ssize_t written = ::write(handle_, rows.data(), rows.size());
    if (written == static_cast<ssize_t>(rows.size())) {
      size_ += rows.size();
      return;
    }
    const int error = written < 0 ? errno : ENOSPC;
    if (written > 0 && ::ftruncate(handle_, static_cast<off_t>(size_)) != 0) host().log_warning("{}: a half row is left in it", path_);
    errno = error;
    fail(TRAINHOST_RESOURCE_EXHAUSTED, "cannot be written");
  }

  [[noreturn]] void fail(trainhost_status status, std::string_view what) const {
    throw trainhost::PluginError(status, trainhost::format("{}: {}: {}", path_, what, std::strerror(errno)));
  }

  Config config_;
  std::filesystem::path path_;
  int handle_ = -1;
  std::uint64_t size_ = 0, attempt_ = 1;
  bool is_new_ = false, has_rows_ = false;
};

}  // namespace

TRAINHOST_PLUGIN(CsvLog,
                 {
                     .kind = "observer",
                     .name = "csvlog",
                     .version = "1.0.0",
                     .summary = "writes every metric as a row of a CSV file",
                     .schema = trainhost::schema<Config>().key("file", &Config::file, "where to write; relative to the run folder", trainhost::no_trajectory),
                 })
