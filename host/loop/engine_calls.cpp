// A look-up among two or three plugins.
#include "loop/engine_calls.h"

#include <algorithm>

#include "base/call_stack.h"

namespace trainhost {

void EngineCalls::enter(uint32_t account, const char* function) {
  const auto plugin = std::find_if(plugins_.begin(), plugins_.end(), [&](const Instance* candidate) { return candidate->account() == account; });
  if (plugin != plugins_.end())
    push_call({(*plugin)->full_name().c_str(), function, (*plugin)->record().file.c_str()});
  else
    push_call({"a plugin of the engine", function, "unknown"});
  meter_.enter(account, function);
}

void EngineCalls::leave(uint32_t account) {
  meter_.leave(account);
  pop_call();
}

}  // namespace trainhost
