// libgcc's unwinder and the dynamic loader's table of modules.
#include "base/backtrace.h"

#include <dlfcn.h>
#include <link.h>
#include <unwind.h>

namespace trainhost {
namespace {

constexpr int kMaxFrames = 40;

struct Walk {
  SignalText& text;
  const char* prefix;
  bool has_begun;
  int num_frames = 0;
};

void add_place(SignalText& text, uintptr_t address) {
  dl_find_object module{};
  if (_dl_find_object(reinterpret_cast<void*>(address), &module) != 0) {
    text.add_hex(address);  // a function pointer that leads nowhere
    return;
  }
  const char* name = module.dlfo_link_map->l_name;
  text.add(name && *name ? name : "trainhost").add("+").add_hex(address - module.dlfo_link_map->l_addr);
}

_Unwind_Reason_Code add_frame(_Unwind_Context* context, void* argument) {
  Walk& walk = *static_cast<Walk*>(argument);
  int is_interrupted = 0;
  const uintptr_t after = _Unwind_GetIPInfo(context, &is_interrupted);
  walk.has_begun |= is_interrupted != 0;
  if (!walk.has_begun) return _URC_NO_REASON;
  walk.text.add(walk.prefix).add("#").add_number(static_cast<uint64_t>(walk.num_frames)).add(" ");
  add_place(walk.text, is_interrupted || after == 0 ? after : after - 1);  // a return address may be the first byte of another function
  walk.text.add("\n");
  return ++walk.num_frames < kMaxFrames ? _URC_NO_REASON : _URC_END_OF_STACK;
}

}  // namespace

void add_backtrace(SignalText& text, const char* prefix, bool is_after_signal) noexcept {
  Walk walk{text, prefix, !is_after_signal};
  _Unwind_Backtrace(add_frame, &walk);
}

}  // namespace trainhost
