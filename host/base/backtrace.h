// The frames of the calling thread as file+offset, inside of a signal handler.
#pragma once
#include "base/signal_text.h"

namespace trainhost {

/// One line a frame, each begun with `prefix`, innermost first. After a signal the frames begin with the one that was interrupted. Takes no lock and
/// allocates nothing: libgcc's unwinder finds its tables through _dl_find_object (glibc 2.35), which is made for this.
void add_backtrace(SignalText& text, const char* prefix, bool is_after_signal) noexcept;

}  // namespace trainhost
