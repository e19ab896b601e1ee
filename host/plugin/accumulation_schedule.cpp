// Asks for windows, and for smaller pieces when memory ran out.
#include "plugin/accumulation_schedule.h"

#include "plugin/guarded.h"

namespace trainhost {

AccumulationSchedule::AccumulationSchedule(Instance& instance)
    : instance_(instance), table_(instance.table<trainhost_accumulation_schedule>(TRAINHOST_ACCUMULATION_SCHEDULE)) {
  instance_.require(TRAINHOST_ACCUMULATION_SCHEDULE, {{"next_window", table_.next_window}, {"out_of_memory", table_.out_of_memory}});
}

trainhost_window AccumulationSchedule::next_window(const trainhost_progress& progress, const trainhost_window& last) const {
  struct ProbePermit {
    std::atomic<std::thread::id>& thread;
    explicit ProbePermit(std::atomic<std::thread::id>& permitted) : thread(permitted) { thread = std::this_thread::get_id(); }
    ~ProbePermit() { thread = std::thread::id(); }
  };
  const Guarded<trainhost_progress> now(progress);
  Guarded<trainhost_window> answer(last);
  {
    const ProbePermit permit(instance_.probing_thread_);
    instance_.train_call("next_window", [&](trainhost_error* error) { return table_.next_window(instance_.handle(), &now.value, &answer.value, error); });
  }
  if (!answer.is_intact()) throw instance_.broken_promise("next_window", "wrote beyond its window");
  const trainhost_window& window = answer.value;
  if (window.micro_batch_samples == 0) throw instance_.broken_promise("next_window", "micro_batch_samples is 0, wanted at least 1");
  const int num_targets = (window.num_micro_batches != 0) + (window.target_samples != 0) + (window.target_tokens != 0);
  if (num_targets != 1)
    throw instance_.broken_promise("next_window", format("num_micro_batches {}, target_samples {} and target_tokens {}: wanted exactly one that is not 0",
                                                         window.num_micro_batches, window.target_samples, window.target_tokens));
  return window;
}

uint64_t AccumulationSchedule::out_of_memory(const trainhost_window& failed, uint64_t attempt) const {
  const Guarded<trainhost_window> window(failed);
  uint64_t samples = 0;
  instance_.train_call("out_of_memory",
                       [&](trainhost_error* error) { return table_.out_of_memory(instance_.handle(), &window.value, attempt, &samples, error); });
  if (samples == 0 || samples >= failed.micro_batch_samples)
    throw instance_.broken_promise("out_of_memory", format("answered {} samples a micro-batch, wanted 1 to {}", samples, failed.micro_batch_samples - 1));
  return samples;
}

}  // namespace trainhost
