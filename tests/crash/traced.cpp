// The ptrace loop: every thread stops before and after each of its system calls.
#include "traced.h"

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <map>
#include <optional>

#include "file_calls.h"
#include "process.h"

namespace crash {
namespace {

class Tracer {
 public:
  Tracer(pid_t child, const Watch& watch) : child_(child), watch_(watch), prefix_(watch.folder.string() + "/") {}

  /// The wait status that the program ended with.
  int run();

 private:
  struct Thread {
    std::optional<FileCall> call;  // that it is in, where it is of interest
    std::string said;              // by the write to stdout that it is in
    int error = 0;                 // that the call is to fail with
  };

  void handle(pid_t thread, int status);
  void enter(pid_t thread, Thread& facts, const __ptrace_syscall_info& stop);
  void leave(pid_t thread, Thread& facts, const __ptrace_syscall_info& stop);
  void suppress(pid_t thread);
  void set_result(pid_t thread, int64_t result);
  void kill() { ::kill(child_, SIGKILL); }
  bool is_watched(const std::string& path) const { return path == watch_.folder || path.starts_with(prefix_); }

  pid_t child_;
  const Watch& watch_;
  std::string prefix_;
  std::map<pid_t, Thread> threads_;
};

int Tracer::run() {
  int status = 0;
  check(::waitpid(child_, &status, __WALL) == child_ && WIFSTOPPED(status), "the program does not start");
  constexpr long kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
  check(::ptrace(PTRACE_SETOPTIONS, child_, nullptr, kOptions) == 0, "PTRACE_SETOPTIONS");
  threads_[child_];
  ::ptrace(PTRACE_SYSCALL, child_, nullptr, 0L);
  for (;;) {
    const pid_t thread = ::waitpid(-1, &status, __WALL);
    if (thread < 0 && errno == EINTR) continue;
    check(thread > 0, "waitpid");
    if (WIFSTOPPED(status)) {
      handle(thread, status);
      continue;
    }
    threads_.erase(thread);
    if (thread == child_) return status;
  }
}

/// What fails here fails because the thread was killed meanwhile; the next wait tells.
void Tracer::handle(pid_t thread, int status) {
  const bool is_new = !threads_.contains(thread);
  Thread& facts = threads_[thread];
  int signal = WSTOPSIG(status);
  if (signal == (SIGTRAP | 0x80)) {
    signal = 0;
    __ptrace_syscall_info stop{};
    if (::ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof stop, &stop) <= 0) return;
    if (stop.op == PTRACE_SYSCALL_INFO_ENTRY) enter(thread, facts, stop);
    else leave(thread, facts, stop);
  } else if (status >> 16 != 0 || (is_new && signal == SIGSTOP)) {
    signal = 0;  // a new thread, or a thread that made one
  }
  ::ptrace(PTRACE_SYSCALL, thread, nullptr, static_cast<long>(signal));
}

void Tracer::enter(pid_t thread, Thread& facts, const __ptrace_syscall_info& stop) {
  facts = {};
  std::array<uint64_t, 6> arguments;
  std::copy(std::begin(stop.entry.args), std::end(stop.entry.args), arguments.begin());
  std::optional<FileCall> call = read_file_call(thread, stop.entry.nr, arguments);
  if (!call) return;
  if (call->name == "write" && arguments[0] == STDOUT_FILENO && watch_.said) facts.said = read_memory(thread, arguments[1], arguments[2]);
  if (!is_watched(call->path) && !is_watched(call->second_path)) return;
  const int answer = watch_.before ? watch_.before(*call) : kGoOn;
  if (answer == kKill) kill();
  if (answer != kGoOn) suppress(thread);
  if (answer > 0) facts.error = answer;
  facts.call = std::move(call);
}

void Tracer::leave(pid_t thread, Thread& facts, const __ptrace_syscall_info& stop) {
  if (!facts.said.empty() && stop.exit.rval > 0) watch_.said(std::string_view(facts.said).substr(0, static_cast<size_t>(stop.exit.rval)));
  if (facts.error != 0) set_result(thread, -facts.error);
  if (!facts.call) return;
  FileCall call = std::move(*facts.call);
  call.result = facts.error != 0 ? -facts.error : stop.exit.rval;
  facts = {};
  if (watch_.after && watch_.after(call) == kKill) kill();
}

/// The kernel passes over a call without a number.
void Tracer::suppress(pid_t thread) {
  user_regs_struct registers{};
  if (::ptrace(PTRACE_GETREGS, thread, nullptr, &registers) != 0) return;
  registers.orig_rax = static_cast<unsigned long long>(-1);
  ::ptrace(PTRACE_SETREGS, thread, nullptr, &registers);
}

void Tracer::set_result(pid_t thread, int64_t result) {
  user_regs_struct registers{};
  if (::ptrace(PTRACE_GETREGS, thread, nullptr, &registers) != 0) return;
  registers.rax = static_cast<unsigned long long>(result);
  ::ptrace(PTRACE_SETREGS, thread, nullptr, &registers);
}

}  // namespace

std::string read_memory(pid_t thread, uint64_t address, size_t size) {
  std::string bytes(size, '\0');
  const int memory = ::open(("/proc/" + std::to_string(thread) + "/mem").c_str(), O_RDONLY | O_CLOEXEC);
  const ssize_t got = memory < 0 ? -1 : ::pread(memory, bytes.data(), size, static_cast<off_t>(address));
  ::close(memory);
  bytes.resize(got < 0 ? 0 : static_cast<size_t>(got));
  return bytes;
}

Ending run_traced(const std::vector<std::string>& command, const Watch& watch) {
  const Output output;
  const pid_t child = spawn(command, watch.is_output_kept ? &output : nullptr, true);
  Tracer tracer(child, watch);
  const int status = tracer.run();
  return {exit_code_of(status), output.text()};
}

}  // namespace crash
