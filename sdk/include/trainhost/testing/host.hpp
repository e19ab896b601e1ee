// A host for tests of plugins: keeps what the plugin logs, and answers with what the test puts in.
#pragma once

#include <array>
#include <atomic>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "trainhost/cpp/error.hpp"
#include "trainhost/data_stages.h"
#include "trainhost/host.h"
#include "trainhost/report.h"

namespace trainhost::testing {

class FakeHost {
 public:
  // Set these before the instance is made.
  std::string run_id = "test-run", run_folder, cache_folder, currency, config_json = "{}";
  std::uint32_t rank = 0, world_size = 1;
  bool is_resumed = false;
  bool has_run = true;        // false: facts answers NULL, as in `config check`
  std::atomic<bool> is_cancelled = false;  // may be set while a call is under way
  std::atomic<std::int64_t> deadline_ns = 0;  // of CLOCK_MONOTONIC; 0 = none
  std::vector<trainhost_instance*> upstreams;                            // for decorators
  std::function<bool(std::uint64_t micro_batch_samples)> memory_probe;   // set: trainhost.memory/1 is there; true = fits

  FakeHost() : host_{sizeof(trainhost_host), TRAINHOST_ABI_MAJOR, TRAINHOST_ABI_MINOR, 0, this, &get_service} {}
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  const trainhost_host* c() const { return &host_; }

  struct LogLine {
    std::int32_t level;
    std::string text;
  };
  std::vector<LogLine> log() const {
    const std::lock_guard lock(mutex_);
    return log_;
  }
  struct Report {
    std::string topic;
    std::map<std::string, double> numbers;
  };
  std::vector<Report> reports() const {
    const std::lock_guard lock(mutex_);
    return reports_;
  }
  // Nanoseconds that were said of a stage (trainhost.data_stages/1), in any read.
  std::uint64_t stage_nanoseconds(std::int32_t stage) const { return stage_sums_[static_cast<std::size_t>(stage)]; }
  // Whether a line of at least this level holds the text.
  bool has_logged(std::int32_t level, std::string_view text) const {
    const std::lock_guard lock(mutex_);
    for (const LogLine& line : log_) if (line.level >= level && line.text.find(text) != std::string::npos) return true;
    return false;
  }

 private:
  static FakeHost& of(const trainhost_host* host) { return *static_cast<FakeHost*>(host->impl); }

  static const void* get_service(const trainhost_host* host, const char* id) {
    FakeHost& self = of(host);
    const std::string_view wanted = id;
    if (wanted == TRAINHOST_LOG) return &self.log_table_;
    if (wanted == TRAINHOST_CALL) return &self.call_table_;
    if (wanted == TRAINHOST_RUN) return &self.run_table_;
    if (wanted == TRAINHOST_REPORT) return &self.report_table_;
    if (wanted == TRAINHOST_DATA_STAGES) return &self.stages_table_;
    if (wanted == TRAINHOST_MEMORY) return self.memory_probe ? &self.memory_table_ : nullptr;
    if (wanted != TRAINHOST_UPSTREAM || self.upstreams.empty()) return nullptr;
    self.upstream_table_.num_upstreams = static_cast<std::uint32_t>(self.upstreams.size());
    return &self.upstream_table_;
  }
  static void write(const trainhost_host* host, std::int32_t level, trainhost_string message) {
    FakeHost& self = of(host);
    const std::lock_guard lock(self.mutex_);
    self.log_.push_back({level, std::string(view(message))});
  }
  static void publish(const trainhost_host* host, trainhost_string topic, const trainhost_string* names, const double* values, std::uint64_t num_values) {
    FakeHost& self = of(host);
    Report report{std::string(view(topic)), {}};
    for (std::uint64_t i = 0; i < num_values; ++i) report.numbers[std::string(view(names[i]))] = values[i];
    const std::lock_guard lock(self.mutex_);
    self.reports_.push_back(std::move(report));
  }
  static void add_stage(const trainhost_host* host, std::int32_t stage, std::uint64_t nanoseconds) {
    of(host).stage_sums_[stage >= 0 && stage < 3 ? static_cast<std::size_t>(stage) : 0] += nanoseconds;
  }
  static std::int32_t cancelled(const trainhost_host* host) { return of(host).is_cancelled; }
  static std::int64_t deadline(const trainhost_host* host) { return of(host).deadline_ns; }
  static const trainhost_run_facts* facts(const trainhost_host* host) {
    FakeHost& self = of(host);
    if (!self.has_run) return nullptr;
    self.facts_ = {sizeof(trainhost_run_facts), self.rank, self.world_size, self.is_resumed, c_string(self.run_id), c_string(self.run_folder),
                   c_string(self.cache_folder), c_string(self.currency), c_string(self.config_json)};
    return &self.facts_;
  }
  static trainhost_status probe(const trainhost_host* host, std::uint64_t samples, trainhost_probe* out, trainhost_error* error) {
    return detail::guard(error, [&] {
      const bool fits = of(host).memory_probe(samples);
      detail::write_struct(out, trainhost_probe{sizeof(trainhost_probe), fits, samples, 0, 0.001});
    });
  }
  static trainhost_string fingerprint(const trainhost_host*) { return c_string("00ff"); }
  static trainhost_instance* at(const trainhost_host* host, std::uint32_t index) {
    return index < of(host).upstreams.size() ? of(host).upstreams[index] : nullptr;
  }

  trainhost_host host_;
  trainhost_log log_table_{sizeof(trainhost_log), 0, &write};
  trainhost_call call_table_{sizeof(trainhost_call), 0, &cancelled, &deadline};
  trainhost_run run_table_{sizeof(trainhost_run), 0, &facts};
  trainhost_memory memory_table_{sizeof(trainhost_memory), 0, &probe, &fingerprint};
  trainhost_report report_table_{sizeof(trainhost_report), 0, &publish};
  trainhost_data_stages stages_table_{sizeof(trainhost_data_stages), 0, &add_stage};
  std::array<std::atomic<std::uint64_t>, 3> stage_sums_{};
  trainhost_upstream upstream_table_{sizeof(trainhost_upstream), 0, &at};
  trainhost_run_facts facts_{};
  mutable std::mutex mutex_;
  std::vector<LogLine> log_;
  std::vector<Report> reports_;
};

}  // namespace trainhost::testing
