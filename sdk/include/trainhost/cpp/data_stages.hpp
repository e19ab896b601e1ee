// Where the time of a read goes; what the stages mean: trainhost/data_stages.h. Include it beside plugin.hpp.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "trainhost/cpp/host.hpp"
#include "trainhost/data_stages.h"

namespace trainhost::inline sdk {

// The service, asked for once. Where the host has none, or without a host, nothing is measured.
class DataStages {
 public:
  DataStages() = default;
  explicit DataStages(const Host& host) : host_(host.c_host()), service_(host.service<trainhost_data_stages>(TRAINHOST_DATA_STAGES)) {}

  bool is_there() const { return service_ != nullptr; }
  // Of the read that the calling thread is in. [any]
  void add(std::int32_t stage, std::uint64_t nanoseconds) const {
    if (service_ && nanoseconds > 0) service_->add(host_, stage, nanoseconds);
  }

 private:
  const trainhost_host* host_ = nullptr;
  const trainhost_data_stages* service_ = nullptr;
};

// Measures the time of its life, stage by stage: one look at the clock for each change, and the sums are told at the end. One thread.
class StageWatch {
 public:
  StageWatch(const DataStages& stages, std::int32_t stage) : stages_(stages), stage_(stage), since_(now()) {}
  StageWatch(const Host& host, std::int32_t stage) : StageWatch(DataStages(host), stage) {}
  ~StageWatch() {
    turn_to(TRAINHOST_STAGE_READ);
    stages_.add(TRAINHOST_STAGE_DECODE, sums_[TRAINHOST_STAGE_DECODE]);
    stages_.add(TRAINHOST_STAGE_TRANSFORM, sums_[TRAINHOST_STAGE_TRANSFORM]);
  }
  StageWatch(const StageWatch&) = delete;
  StageWatch& operator=(const StageWatch&) = delete;

  // From here on it is this stage.
  void turn_to(std::int32_t stage) {
    if (!stages_.is_there()) return;
    const std::uint64_t time = now();
    sums_[static_cast<std::size_t>(stage_)] += time - since_;
    stage_ = stage;
    since_ = time;
  }

 private:
  std::uint64_t now() const {
    if (!stages_.is_there()) return 0;
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
  }

  DataStages stages_;
  std::int32_t stage_;
  std::uint64_t since_;
  std::array<std::uint64_t, 3> sums_{};
};

}  // namespace trainhost::inline sdk
