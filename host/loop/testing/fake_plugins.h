// Plugins made of test code, behind the real C tables: an accumulation schedule, a schedule of rates, stopping rules.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <trainhost/state.h>

#include "data/testing/borrowed_instance.h"
#include "data/testing/fake_source.h"
#include "data/window.h"
#include "plugin/accumulation_schedule.h"
#include "plugin/lr_schedule.h"
#include "plugin/state.h"
#include "plugin/stopping_rule.h"

namespace trainhost::testing {

/// What every fake has: an instance, and numbers as its state.
class FakePlugin {
 public:
  virtual ~FakePlugin() = default;
  FakePlugin(const FakePlugin&) = delete;

  /// Created when it is first asked for.
  Instance& instance() {
    if (instance_) return *instance_;
    borrowed_.c = {sizeof borrowed_.c,        0, this, [](trainhost_instance* c, const char* id) { return of<FakePlugin>(c).table(id); }, nullptr, nullptr,
                   [](trainhost_instance*) {}};
    instance_ = Instance::create(fake_record(full_name_), format("{{\"instance\":{}}}", reinterpret_cast<uintptr_t>(&borrowed_)));
    return *instance_;
  }
  void start() { instance().start(facts_); }

  std::vector<uint64_t> state;  // saved and given back

 protected:
  explicit FakePlugin(std::string full_name) : full_name_(std::move(full_name)) {}
  template <class Class>
  static Class& of(trainhost_instance* c) {
    return *static_cast<Class*>(static_cast<FakePlugin*>(c->impl));
  }
  virtual const void* own_table(std::string_view id) const = 0;
  static trainhost_status fail(trainhost_error* error, trainhost_status status, std::string_view words) {
    error->message_length = static_cast<uint32_t>(words.copy(error->message, sizeof error->message));
    return status;
  }

 private:
  const void* table(std::string_view id) const {
    static constexpr trainhost_state kState{sizeof(trainhost_state), 0, &save, &load};
    return id == TRAINHOST_STATE ? &kState : own_table(id);
  }
  static trainhost_status save(trainhost_instance* c, const trainhost_writer* out, trainhost_error* error) {
    const auto& state = of<FakePlugin>(c).state;
    return out->write(out->impl, state.data(), state.size() * 8, error);
  }
  static trainhost_status load(trainhost_instance* c, trainhost_string, const void* bytes, uint64_t size, trainhost_error*) {
    const auto* values = static_cast<const uint64_t*>(bytes);
    of<FakePlugin>(c).state.assign(values, values + size / 8);
    return TRAINHOST_OK;
  }

  std::string full_name_;
  BorrowedInstance borrowed_;
  RunFacts facts_;
  std::unique_ptr<Instance> instance_;
};

/// Windows of one shape; halves micro-batches that do not fit, and remembers that in its state.
class FakeAccumulation final : public FakePlugin {
 public:
  WindowShape shape{.micro_batch_samples = 4, .num_micro_batches = 0, .target_samples = 8, .target_tokens = 0};

  FakeAccumulation() : FakePlugin("accumulation_schedule/fake") {}

 private:
  const void* own_table(std::string_view id) const override {
    static constexpr trainhost_accumulation_schedule kTable{sizeof(trainhost_accumulation_schedule), 0, &next_window, &out_of_memory};
    return id == TRAINHOST_ACCUMULATION_SCHEDULE ? &kTable : nullptr;
  }
  static trainhost_status next_window(trainhost_instance* c, const trainhost_progress*, trainhost_window* window, trainhost_error*) {
    const FakeAccumulation& self = of<FakeAccumulation>(c);
    const uint64_t samples = self.state.empty() ? self.shape.micro_batch_samples : self.state[0];
    *window = {sizeof *window, 0, samples, self.shape.num_micro_batches, self.shape.target_samples, self.shape.target_tokens};
    return TRAINHOST_OK;
  }
  static trainhost_status out_of_memory(trainhost_instance* c, const trainhost_window* failed, uint64_t, uint64_t* samples, trainhost_error* error) {
    if (failed->micro_batch_samples <= 1) return fail(error, TRAINHOST_RESOURCE_EXHAUSTED, "nothing smaller is left");
    *samples = failed->micro_batch_samples / 2;
    of<FakeAccumulation>(c).state = {*samples};
    return TRAINHOST_OK;
  }
};

class FakeRates final : public FakePlugin {
 public:
  std::function<double(uint64_t step)> factor = [](uint64_t step) { return 1.0 / static_cast<double>(step + 1); };
  std::function<bool(const trainhost_metric& metric)> changes_at = [](const trainhost_metric&) { return false; };
  std::vector<uint64_t> first_steps;  // of each call
  std::vector<double> fractions;      // of the last call

  FakeRates() : FakePlugin("lr_schedule/fake") {}

 private:
  const void* own_table(std::string_view id) const override {
    static constexpr trainhost_lr_schedule kTable{sizeof(trainhost_lr_schedule), 0, &update, &factors};
    return id == TRAINHOST_LR_SCHEDULE ? &kTable : nullptr;
  }
  static trainhost_status update(trainhost_instance* c, const trainhost_progress*, const trainhost_metric* metrics, uint64_t num_metrics, uint32_t* is_changed,
                                 trainhost_error*) {
    for (uint64_t i = 0; i < num_metrics; ++i) *is_changed |= of<FakeRates>(c).changes_at(metrics[i]);
    return TRAINHOST_OK;
  }
  static trainhost_status factors(trainhost_instance* c, const trainhost_progress* at, const double* fractions, uint64_t num_steps, double* out,
                                  trainhost_error*) {
    FakeRates& self = of<FakeRates>(c);
    self.first_steps.push_back(at->step);
    self.fractions.assign(fractions, fractions + num_steps);
    for (uint64_t i = 0; i < num_steps; ++i) out[i] = self.factor(at->step + i);
    return TRAINHOST_OK;
  }
};

class FakeRule final : public FakePlugin {
 public:
  struct Answer {
    int32_t stop = TRAINHOST_STOP_NO;
    std::string reason = "told to";
    bool restore_best = false;
  };
  using Metrics = std::span<const trainhost_metric>;
  std::function<Answer(const trainhost_progress&, Metrics)> check = [](const trainhost_progress&, Metrics) { return Answer{}; };
  std::function<bool()> fails = [] { return false; };

  explicit FakeRule(const std::string& name = "fake") : FakePlugin("stopping_rule/" + name) {}

 private:
  const void* own_table(std::string_view id) const override {
    static constexpr trainhost_stopping_rule kTable{sizeof(trainhost_stopping_rule), 0, &ask};
    return id == TRAINHOST_STOPPING_RULE ? &kTable : nullptr;
  }
  static trainhost_status ask(trainhost_instance* c, const trainhost_progress* progress, const trainhost_metric* metrics, uint64_t num_metrics,
                              trainhost_verdict* verdict, trainhost_error* error) {
    FakeRule& self = of<FakeRule>(c);
    if (self.fails()) return fail(error, TRAINHOST_INTERNAL, "made to fail");
    const Answer answer = self.check(*progress, {metrics, num_metrics});
    verdict->stop = answer.stop;
    verdict->restore_best = answer.restore_best;
    if (answer.stop != TRAINHOST_STOP_NO) verdict->reason_length = static_cast<uint32_t>(answer.reason.copy(verdict->reason, sizeof verdict->reason));
    return TRAINHOST_OK;
  }
};

}  // namespace trainhost::testing
