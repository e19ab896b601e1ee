// One fixed array a thread.
#include "base/call_stack.h"

#include <atomic>

#include "base/crash_report.h"

namespace trainhost {
namespace {

constinit thread_local CallStack t_calls{};

}  // namespace

CallStack& call_stack() noexcept { return t_calls; }

void push_call(const PluginCall& call) noexcept {
  CallStack& stack = t_calls;
  if (!stack.is_prepared) prepare_thread_for_crashes();
  if (stack.depth < CallStack::kMaxDepth) stack.calls[stack.depth] = call;
  std::atomic_signal_fence(std::memory_order_release);  // a handler that sees the depth sees the call
  ++stack.depth;
}

void pop_call() noexcept { --t_calls.depth; }

}  // namespace trainhost
