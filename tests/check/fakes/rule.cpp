// A stopping rule with state that counts its calls; also the plugin for faults of the file itself, which definitions choose.
#undef MISFIT_STATEFUL
#define MISFIT_STATEFUL "true"
#include <trainhost/stopping_rule.h>

#include "misfit.h"

MISFIT_RECORD("stopping_rule", "");

#ifdef MISFIT_EXTRA_EXPORT
extern "C" TRAINHOST_EXPORT int misfit_extra_export() { return 1; }
#endif
#ifdef MISFIT_UNIQUE
template <class T>
struct TRAINHOST_EXPORT Shared {
  static inline int value = 3;
};
template struct Shared<int>;
#endif
#ifdef MISFIT_TEXT_RELOCATION
asm(".text\n.globl misfit_relocated\n.hidden misfit_relocated\nmisfit_relocated:\n.quad trainhost_plugin_entry_1\n.previous");
#endif
#ifdef MISFIT_TORCH_SYMBOL
namespace at {
int misfit_of_torch();
}
#endif

namespace {

trainhost_status check(trainhost_instance* instance, const trainhost_progress* progress, const trainhost_metric* metrics, uint64_t num_metrics,
                       trainhost_verdict* verdict, trainhost_error* error) {
  Misfit& self = of(instance);
  static int all_calls = 0;
  ++all_calls, ++self.counter;
  if (self.own) return say(error, TRAINHOST_INTERNAL, "its state was refused once");
#ifdef MISFIT_TORCH_SYMBOL
  if (self.is("torch")) return at::misfit_of_torch();
#endif
  if (self.is("unsteady_verdict") && all_calls > 30) return say(error, TRAINHOST_INTERNAL, std::to_string(all_calls));
  if (self.is("reads_beyond_progress")) verdict->restore_best = reinterpret_cast<const uint32_t*>(progress + 1)[0];
  if (self.is("chokes_on_odd_numbers"))
    for (uint64_t i = 0; i < num_metrics; ++i)
      if (metrics[i].value - metrics[i].value != 0) std::abort();
  if (self.counter < 200) return TRAINHOST_OK;
  verdict->stop = self.is("unknown_stop") ? 77 : TRAINHOST_STOP_DONE;
  if (!self.is("no_reason")) verdict->reason_length = static_cast<uint32_t>(std::snprintf(verdict->reason, sizeof verdict->reason, "200 windows are over"));
  return TRAINHOST_OK;
}

const void* table_of_kind(const Misfit&, std::string_view id) {
  static const trainhost_stopping_rule table{sizeof table, 0, check};
  return id == TRAINHOST_STOPPING_RULE ? &table : nullptr;
}

}  // namespace

MISFIT_ENTRY("stopping_rule")
