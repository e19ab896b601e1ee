// What decorators wrap while they are asked: a source and a backend that keep every promise and live in memory.
#pragma once

#include <memory>
#include <string>

#include "trainhost/plugin.h"

namespace trainhost::conformance {

struct Destroy {
  void operator()(trainhost_instance* instance) const { instance->destroy(instance); }
};
using OwnedInstance = std::unique_ptr<trainhost_instance, Destroy>;

// A started instance of the kind; objects of a backend are kept by `place` for as long as the process lives. nullptr: there is none of this kind.
OwnedInstance make_upstream(const std::string& kind, const trainhost_host* host, const std::string& place);

}  // namespace trainhost::conformance
