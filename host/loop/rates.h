// Keeps the device's table of learning rates filled ahead of the steps.
#pragma once
#include <cstdint>
#include <span>

#include "engine/engine.h"
#include "loop/run_state.h"
#include "plugin/lr_schedule.h"

namespace trainhost {

class Rates {
 public:
  /// `length_steps`: what fractions are taken of; 0 = none stated.
  Rates(LrSchedule& schedule, Engine& engine, uint64_t length_steps) : schedule_(schedule), engine_(engine), length_steps_(length_steps) {}

  /// Before a window: makes sure that the table reaches beyond every step that the device may be at.
  void fill_ahead(const RunState& state, const trainhost_progress& progress);
  /// After evaluations: lets the schedule look at the metrics; when it changed its mind the table is filled anew.
  void update(const RunState& state, const trainhost_progress& progress, std::span<const trainhost_metric> metrics);

 private:
  void fill(uint64_t first_step, trainhost_progress progress);

  LrSchedule& schedule_;
  Engine& engine_;
  uint64_t length_steps_;
  uint64_t filled_until_ = 0;  // steps below have a rate
};

}  // namespace trainhost
