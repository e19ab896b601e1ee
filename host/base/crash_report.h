// Says in which plugin call the process crashed, or was ended by exit(), before the system's own answer to it.
#pragma once
#include <string>

namespace trainhost {

/// From here on SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT are reported on stderr: the signal, the plugin call that the thread is in, and the frames as
/// file+offset. Then what was there before goes on, which is the system's default or the handler of a sanitizer: exit status and core are as usual.
/// The handler allocates nothing and takes no lock. Once, at the start of the program. [main]
void install_crash_reports();

/// Reports are also appended to `crash.txt` in this folder. "" ends that. [main]
void set_crash_folder(const std::string& folder);

/// A stack of its own for the calling thread's signal handlers, so that a stack overflow can be reported. Does nothing before install_crash_reports(),
/// nor where the thread has such a stack already. Called by itself at a thread's first plugin call. [any]
void prepare_thread_for_crashes() noexcept;

/// From here on an exit() out of a plugin call is reported like a crash, and ends the process with the exit code for plugins instead of what the plugin
/// wanted. Called before each plugin file is loaded, so that the report comes before the static objects of what was loaded earlier go. [main]
void watch_for_exit();

}  // namespace trainhost
