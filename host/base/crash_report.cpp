// The handlers. Everything that they touch is static, and is made before they can run.
#include "base/crash_report.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstdlib>
#include <ctime>

#include "base/backtrace.h"
#include "base/call_stack.h"
#include "base/error.h"

namespace trainhost {
namespace {

constexpr const char* kPrefix = "crash: ";

struct WatchedSignal {
  int number;
  const char* name;
  struct sigaction before;
};
WatchedSignal g_signals[] = {{SIGSEGV, "SIGSEGV", {}}, {SIGBUS, "SIGBUS", {}}, {SIGFPE, "SIGFPE", {}}, {SIGILL, "SIGILL", {}}, {SIGABRT, "SIGABRT", {}}};

// A signal handler reaches nothing but what is static.
std::atomic<bool> g_is_installed = false;
std::atomic<bool> g_is_reporting = false;
char g_file[PATH_MAX];  // crash.txt; empty: there is none

// Memory for the handlers of one thread, given back when the thread ends.
class HandlerStack {
 public:
  HandlerStack() noexcept {
    stack_t present{};
    if (sigaltstack(nullptr, &present) != 0 || !(present.ss_flags & SS_DISABLE)) return;  // a sanitizer's
    memory_ = mmap(nullptr, size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) return;  // then a stack overflow goes unreported
    const stack_t own{memory_, 0, size()};
    sigaltstack(&own, nullptr);
  }
  ~HandlerStack() {
    if (memory_ == MAP_FAILED) return;
    const stack_t none{nullptr, SS_DISABLE, 0};
    sigaltstack(&none, nullptr);
    munmap(memory_, size());
  }
  HandlerStack(const HandlerStack&) = delete;
  HandlerStack& operator=(const HandlerStack&) = delete;

 private:
  static size_t size() { return 64 * 1024 + getauxval(AT_MINSIGSTKSZ); }
  void* memory_ = MAP_FAILED;
};

void add_call(SignalText& text, const PluginCall& call) { text.add(call.function).add(" of ").add(call.plugin).add(", file ").add(call.file); }

void add_calls(SignalText& text) {
  const CallStack& stack = call_stack();
  const PluginCall* innermost = stack.innermost();
  if (!innermost) {
    text.add(" outside of any plugin call");
    return;
  }
  add_call(text.add(" inside of "), *innermost);
  for (const PluginCall* call = innermost; call != stack.calls;) add_call(text.add("\n").add(kPrefix).add("  called by "), *--call);
}

void add_thread(SignalText& text) { text.add(", thread ").add_number(static_cast<uint64_t>(syscall(SYS_gettid))).add("\n"); }

void add_time(SignalText& text) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  text.add(kPrefix).add("at unix time ").add_number(static_cast<uint64_t>(now.tv_sec));
  add_thread(text);
}

void add_advice(SignalText& text) {
  text.add(kPrefix);
  if (const PluginCall* call = call_stack().innermost())
    text.add("leave ").add(call->plugin).add(" out, or report this to its author");
  else
    text.add("a thread of a plugin, a library or trainhost is at fault: the frames name the file");
  text.add(g_file[0] ? "; checkpoints are whole: the same command goes on from the newest one\n" : "\n");
}

void write_report(const SignalText& text) {
  text.write_to(STDERR_FILENO);
  if (!g_file[0]) return;
  const int file = open(g_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0) return;
  text.write_to(file);
  close(file);
}

// In pieces, the surest first: should the stack be damaged, the unwinder may crash in its turn, which ends the process.
void report(const SignalText& what, bool is_after_signal) {
  if (isatty(STDERR_FILENO)) SignalText().add("\n").write_to(STDERR_FILENO);  // past the live line
  write_report(what);
  SignalText frames;
  add_backtrace(frames, kPrefix, is_after_signal);
  write_report(frames);
}

const char* cause_of(int signal, const siginfo_t& info) {
  if (info.si_code <= 0) return signal == SIGABRT ? "abort()" : "sent by a process";
  switch (signal) {
    case SIGFPE: return info.si_code == FPE_INTDIV ? "division by zero" : "arithmetic that has no result";
    case SIGILL: return "no instruction of this processor";
    case SIGBUS: return "memory whose file is too short or unaligned, at ";
    default: return "no memory at ";
  }
}

void describe(SignalText& text, const WatchedSignal& signal, const siginfo_t& info) {
  text.add(kPrefix).add(signal.name).add(" (").add(cause_of(signal.number, info));
  if (info.si_code > 0 && (signal.number == SIGSEGV || signal.number == SIGBUS)) text.add_hex(reinterpret_cast<uintptr_t>(info.si_addr));
  text.add(")");
  add_calls(text);
  text.add("\n");
  add_time(text);
  add_advice(text);
}

// Of several threads that crash at once the first reports; the others wait for the end of the process.
void claim_report() {
  if (!g_is_reporting.exchange(true)) return;
  for (;;) pause();
}

void handle(int number, siginfo_t* info, void*) {
  claim_report();
  for (const WatchedSignal& signal : g_signals) {
    if (signal.number != number) continue;
    SignalText text;
    describe(text, signal, *info);
    report(text, true);
    sigaction(number, &signal.before, nullptr);
  }
  // On return a faulting instruction faults again, now for who was there before. A signal that was sent is sent again.
  if (info->si_code <= 0) raise(number);
}

void report_exit() {
  if (!call_stack().innermost()) return;
  claim_report();
  SignalText text;
  text.add(kPrefix).add("exit()");
  add_calls(text);
  text.add(", which a plugin must not do\n");
  add_time(text);
  add_advice(text);
  report(text, false);
  _exit(static_cast<int>(ExitCode::kPlugin));
}

}  // namespace

void install_crash_reports() {
  SignalText unused;
  add_backtrace(unused, "", false);  // the unwinder makes its tables at its first use
  g_is_installed = true;
  prepare_thread_for_crashes();
  for (WatchedSignal& signal : g_signals) {
    struct sigaction own {};
    own.sa_sigaction = handle;
    own.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigfillset(&own.sa_mask);
    sigaction(signal.number, &own, &signal.before);
  }
}

void set_crash_folder(const std::string& folder) {
  const std::string path = folder.empty() ? "" : folder + "/crash.txt";
  if (path.size() >= sizeof g_file) return;  // the file could not be opened either
  path.copy(g_file, path.size());
  g_file[path.size()] = '\0';
}

void prepare_thread_for_crashes() noexcept {
  if (!g_is_installed) return;
  static thread_local const HandlerStack stack;
  (void)stack;
  call_stack().is_prepared = true;
}

void watch_for_exit() {
  if (g_is_installed) std::atexit(report_exit);
}

}  // namespace trainhost
