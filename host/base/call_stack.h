// Which plugin calls the thread is in: what a crash report names. Costs a few nanoseconds a call.
#pragma once
#include <cstddef>

namespace trainhost {

/// Strings are borrowed and live until the call has ended.
struct PluginCall {
  const char* plugin;    // "stopping_rule/earlystop"
  const char* function;  // "check"
  const char* file;      // the plugin file
};

/// The calls of one thread, the innermost last. What nests deeper than kMaxDepth is counted, not kept.
struct CallStack {
  static constexpr size_t kMaxDepth = 16;
  PluginCall calls[kMaxDepth];
  size_t depth;
  bool is_prepared;  // the thread has what a crash report needs

  const PluginCall* innermost() const { return depth == 0 ? nullptr : &calls[(depth < kMaxDepth ? depth : kMaxDepth) - 1]; }
};

/// Of the calling thread. Plain data in static storage, so that a signal handler may read it.
CallStack& call_stack() noexcept;

void push_call(const PluginCall& call) noexcept;
void pop_call() noexcept;

/// The thread is inside of this call during its life.
class CallNote {
 public:
  explicit CallNote(const PluginCall& call) noexcept { push_call(call); }
  ~CallNote() { pop_call(); }
  CallNote(const CallNote&) = delete;
  CallNote& operator=(const CallNote&) = delete;
};

}  // namespace trainhost
