// Hands one event over.
#include "plugin/observer.h"

#include <optional>

#include "plugin/guarded.h"

namespace trainhost {

bool Observer::is_offered(const Instance& instance) { return instance.interface(TRAINHOST_OBSERVER) != nullptr; }

Observer::Observer(Instance& instance) : instance_(instance), table_(instance.table<trainhost_observer>(TRAINHOST_OBSERVER)) {
  instance_.require(TRAINHOST_OBSERVER, {{"on_event", table_.on_event}});
}

void Observer::on_event(const trainhost_event& event) const {
  Guarded<trainhost_event> lent(event);
  std::optional<Guarded<trainhost_progress>> progress;
  if (event.progress) lent.value.progress = &progress.emplace(*event.progress).value;
  instance_.call("on_event", [&](trainhost_error* error) { return table_.on_event(instance_.handle(), &lent.value, error); });
}

}  // namespace trainhost
