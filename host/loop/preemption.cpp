// sigtimedwait on a thread: no code runs in a signal handler.
#include "loop/preemption.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"

namespace trainhost {
namespace {

sigset_t run_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGUSR2}) sigaddset(&set, signal);
  return set;
}

const char* name_of(int signal) {
  switch (signal) {
    case SIGINT: return "SIGINT";
    case SIGTERM: return "SIGTERM";
    case SIGUSR1: return "SIGUSR1";
    case SIGUSR2: return "SIGUSR2";
    default: return "";
  }
}

}  // namespace

void block_run_signals() {
  const sigset_t set = run_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  make_failed_writes_errors();
}

void make_failed_writes_errors() {
  for (const int signal : {SIGPIPE, SIGXFSZ}) ::signal(signal, SIG_IGN);
}

Preemption::Preemption(std::function<void(const std::string&)> on_first) : on_first_(std::move(on_first)) {
  waiter_ = std::thread([this] { wait_for_signals(); });
}

Preemption::~Preemption() {
  is_ending_ = true;
  pthread_kill(waiter_.native_handle(), SIGUSR2);  // blocked everywhere, so it only ends the wait
  waiter_.join();
}

std::string Preemption::signal_name() const { return name_of(signal_); }

void Preemption::require_none() const {
  if (is_requested_) throw Error(ExitCode::kAborted, signal_name() + ": aborted");
}

void Preemption::wait_for_signals() {
  const sigset_t set = run_signals();
  for (;;) {
    int signal = 0;
    if (sigwait(&set, &signal) != 0) continue;
    if (is_ending_) return;
    if (is_requested_) {
      log_error("{} again: aborted without saving", name_of(signal));
      ::_exit(static_cast<int>(ExitCode::kAborted));
    }
    signal_ = signal;
    is_requested_ = true;
    on_first_(name_of(signal));
  }
}

void announce_abort(const std::string& signal) { log_warning("{}: ending and removing what was made; once more aborts at once", signal); }

std::unique_ptr<Preemption> abort_on_signal() {
  block_run_signals();
  return std::make_unique<Preemption>([](const std::string& signal) {
    log_error("{}: aborted", signal);
    ::_exit(static_cast<int>(ExitCode::kAborted));
  });
}

}  // namespace trainhost
