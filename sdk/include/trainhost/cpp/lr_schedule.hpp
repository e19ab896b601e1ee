// Learning-rate schedules in C++; what the calls mean: trainhost/lr_schedule.h.
#pragma once

#include "trainhost/cpp/instance.hpp"
#include "trainhost/cpp/progress.hpp"
#include "trainhost/lr_schedule.h"

namespace trainhost::inline sdk {

class LrSchedule : public Plugin {
 public:
  static constexpr std::string_view kKind = "lr_schedule";

  // Told after evaluations; true when factors would now answer differently. [train]
  virtual bool update(const Progress&, std::span<const Metric>) { return false; }

  // out[i] = factor of step at.step + i, >= 0; fractions[i] = how far the run will be then, 0..1, NaN when it states no length. Pure. [train]
  virtual void factors(const Progress& at, std::span<const double> fractions, std::span<double> out) = 0;

  const void* interface(std::string_view id) override { return id == TRAINHOST_LR_SCHEDULE ? &kTable : nullptr; }

 private:
  static trainhost_status c_update(trainhost_instance* instance, const trainhost_progress* progress, const trainhost_metric* metrics,
                                   std::uint64_t num_metrics, std::uint32_t* is_changed, trainhost_error* error) noexcept {
    return detail::guard(error, [&] {
      *is_changed = detail::object<LrSchedule>(instance).update(Progress(progress), detail::metrics(metrics, num_metrics));
    });
  }
  static trainhost_status c_factors(trainhost_instance* instance, const trainhost_progress* at, const double* fractions, std::uint64_t num_steps,
                                    double* out, trainhost_error* error) noexcept {
    return detail::guard(error, [&] {
      detail::object<LrSchedule>(instance).factors(Progress(at), {fractions, num_steps}, {out, num_steps});
    });
  }
  static constexpr trainhost_lr_schedule kTable{sizeof(trainhost_lr_schedule), 0, &c_update, &c_factors};
};

}  // namespace trainhost::inline sdk
