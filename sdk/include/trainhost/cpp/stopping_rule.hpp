// Stopping rules in C++; what the calls mean: trainhost/stopping_rule.h.
#pragma once

#include "trainhost/cpp/instance.hpp"
#include "trainhost/cpp/progress.hpp"
#include "trainhost/stopping_rule.h"

namespace trainhost::inline sdk {

// Verdict::done("{} reached {:.4g}", name, value).restore_best()
class Verdict {
 public:
  static Verdict go_on() { return Verdict(TRAINHOST_STOP_NO, {}); }
  template <class... Values>
  static Verdict done(std::string_view pattern, const Values&... values) {
    return Verdict(TRAINHOST_STOP_DONE, format(pattern, values...));
  }
  template <class... Values>
  static Verdict budget(std::string_view pattern, const Values&... values) {
    return Verdict(TRAINHOST_STOP_BUDGET, format(pattern, values...));
  }
  template <class... Values>
  static Verdict diverged(std::string_view pattern, const Values&... values) {
    return Verdict(TRAINHOST_STOP_DIVERGED, format(pattern, values...));
  }

  // The run ends on the weights of its best evaluation.
  Verdict restore_best(bool is_wanted = true) const {
    Verdict changed = *this;
    changed.restore_best_ = is_wanted;
    return changed;
  }

  void write(trainhost_verdict* out) const {
    trainhost_verdict verdict{out->struct_size, stop_, restore_best_, 0, {}};
    const std::size_t head = offsetof(trainhost_verdict, reason);
    const std::size_t room = out->struct_size > head ? std::min<std::size_t>(sizeof verdict.reason, out->struct_size - head) : 0;
    verdict.reason_length = detail::copy_text(reason_, verdict.reason, room);
    detail::write_struct(out, verdict);
  }

 private:
  Verdict(std::int32_t stop, std::string reason) : stop_(stop), reason_(std::move(reason)) {}

  std::int32_t stop_;
  bool restore_best_ = false;
  std::string reason_;
};

class StoppingRule : public Plugin {
 public:
  static constexpr std::string_view kKind = "stopping_rule";

  // Judges the run; metrics are those that are new since the last call. A throw is logged and the run goes on; three in a row end it. [train]
  virtual Verdict check(const Progress& progress, std::span<const Metric> metrics) = 0;

  const void* interface(std::string_view id) override { return id == TRAINHOST_STOPPING_RULE ? &kTable : nullptr; }

 private:
  static trainhost_status c_check(trainhost_instance* instance, const trainhost_progress* progress, const trainhost_metric* metrics,
                                  std::uint64_t num_metrics, trainhost_verdict* verdict, trainhost_error* error) noexcept {
    return detail::guard(error, [&] {
      detail::object<StoppingRule>(instance).check(Progress(progress), detail::metrics(metrics, num_metrics)).write(verdict);
    });
  }
  static constexpr trainhost_stopping_rule kTable{sizeof(trainhost_stopping_rule), 0, &c_check};
};

}  // namespace trainhost::inline sdk
