// Accumulation schedules in C++; what the calls mean: trainhost/accumulation_schedule.h.
#pragma once

#include "trainhost/accumulation_schedule.h"
#include "trainhost/cpp/instance.hpp"
#include "trainhost/cpp/progress.hpp"

namespace trainhost::inline sdk {

using Window = trainhost_window;

class AccumulationSchedule : public Plugin {
 public:
  static constexpr std::string_view kKind = "accumulation_schedule";

  // Plans the next window; `last` is the one before, all zeroes at first. Exactly one of its three targets must not be 0. [train]
  virtual Window next_window(const Progress& progress, Window last) = 0;

  // `failed` ran out of device memory for the attempt-th time. Returns a smaller micro_batch_samples, or throws RESOURCE_EXHAUSTED. [train]
  virtual std::uint64_t out_of_memory(const Window& failed, std::uint64_t attempt) = 0;

  const void* interface(std::string_view id) override { return id == TRAINHOST_ACCUMULATION_SCHEDULE ? &kTable : nullptr; }

 private:
  static trainhost_status c_next_window(trainhost_instance* instance, const trainhost_progress* progress, trainhost_window* in_out,
                                        trainhost_error* error) noexcept {
    return detail::guard(error, [&] {
      const Window last = detail::read_struct(in_out);
      detail::write_struct(in_out, detail::object<AccumulationSchedule>(instance).next_window(Progress(progress), last));
    });
  }
  static trainhost_status c_out_of_memory(trainhost_instance* instance, const trainhost_window* failed, std::uint64_t attempt,
                                          std::uint64_t* micro_batch_samples, trainhost_error* error) noexcept {
    return detail::guard(error, [&] {
      *micro_batch_samples = detail::object<AccumulationSchedule>(instance).out_of_memory(detail::read_struct(failed), attempt);
    });
  }
  static constexpr trainhost_accumulation_schedule kTable{sizeof(trainhost_accumulation_schedule), 0, &c_next_window, &c_out_of_memory};
};

}  // namespace trainhost::inline sdk
