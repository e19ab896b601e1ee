// What waiting for data has cost in this process, and what more reading threads would save.
#pragma once
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "data/pipeline.h"
#include "engine/engine.h"

namespace trainhost {

/// The whole bill. Where the device's own stillness is known it counts, since a host that waits while the device still works costs nothing.
///   s = seconds of reading threads a sample, c = seconds of the run a sample without waiting, N = samples.
///   Threads without waiting: s / c. With m threads the wait for reading is N max(0, s / m - c). More threads save what is above that, where the cores allow m.
struct DataSummary {
  double seconds = 0;         // of training, without evaluations and saves
  double waited_seconds = 0;  // of these for data
  bool is_of_device = false;  // the seconds that the device stood still; else those that the host waited
  StageSeconds stages;        // waited_seconds by stage
  uint64_t threads = 0, most_threads = 0;
  bool is_automatic = false;
  double busy_ratio = std::numeric_limits<double>::quiet_NaN();      // of the threads' time
  double thread_seconds = std::numeric_limits<double>::quiet_NaN();  // s
  double use_seconds = std::numeric_limits<double>::quiet_NaN();     // c
  uint64_t peak_bytes = 0;
  uint64_t better_threads = 0;  // m; as threads: more bring nothing
  double saved_seconds = 0;     // by m threads
  std::vector<PipelineReport::Part> parts;  // of a mixture

  double share() const { return seconds > 0 ? waited_seconds / seconds : 0; }
};

/// `price_per_hour` of the machine; absent: not measured.
nlohmann::ordered_json to_json(const DataSummary& summary, std::optional<double> price_per_hour);
/// One line for people.
std::string data_text(const DataSummary& summary, std::optional<double> price_per_hour, const std::string& currency);

class DataBill {
 public:
  /// The bill begins at `seconds`.
  explicit DataBill(double seconds) : began_(seconds) {}

  /// The device's waits of one window.
  void add(const WindowRow& row);
  /// Something else kept the run.
  void leave_out(double seconds) { left_out_ += seconds; }

  /// Fields of the event `data_wait`: what has been since the last call. nullopt: no window has.
  std::optional<nlohmann::ordered_json> take_waits(const PipelineReport& now);
  /// Up to now.
  DataSummary summary(const PipelineReport& now, double seconds) const;
  /// Of the newest waits that were told; "" as long as there was none.
  const std::string& limiting_stage() const { return limiting_stage_; }

 private:
  struct DeviceWaits {
    uint64_t windows = 0, measured = 0;
    double late = 0, copy = 0;
  };

  double began_, left_out_ = 0;
  DeviceWaits all_, fresh_;
  PipelineReport told_;
  std::string limiting_stage_;
};

}  // namespace trainhost
