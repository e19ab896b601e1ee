// Seccomp's user notifications: the calls of a filtered thread wait for an answer from this one.
#include "conformance/faulty_disk.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <exception>
#include <future>
#include <thread>
#include <vector>

#include "conformance/answer.h"

namespace trainhost::conformance {
namespace {

constexpr int kWatchedCalls[] = {SYS_write, SYS_writev, SYS_pwrite64, SYS_pwritev, SYS_pwritev2, SYS_fsync, SYS_fdatasync};
constexpr int kMostDelays = 300;  // 3 s: a plugin that writes byte by byte shall be found slow by nobody's time limit

// The filter of the calling thread; below 0 where the kernel refuses it. The numbers are those of this process's own machine, so that it need not be asked.
int install_filter() {
  std::vector<sock_filter> program;
  program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  for (const int call : kWatchedCalls) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  return static_cast<int>(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter));
}

}  // namespace

void FaultyDisk::run(const std::function<void()>& work) {
  std::promise<std::pair<int, int>> installed;
  std::exception_ptr thrown;
  std::thread worker([&] {
    const int listener = install_filter();
    installed.set_value({listener, listener < 0 ? errno : 0});
    if (listener < 0) return;
    try {
      work();
    } catch (...) {
      thrown = std::current_exception();
    }
    is_done_ = true;
  });
  const auto [listener, error] = installed.get_future().get();
  if (listener >= 0) {
    serve(listener);
    ::close(listener);  // what still waits is answered with ENOSYS
  }
  worker.join();
  if (listener < 0)
    skip("the kernel lets this process not watch its own writes (seccomp: {}); ask on a Linux of 5.5 or later, outside of a sandbox", std::strerror(error));
  if (thrown) std::rethrow_exception(thrown);
}

void FaultyDisk::become(int error, bool is_slow) {
  error_ = error, is_slow_ = is_slow;
  num_failed_ = 0;
}

void FaultyDisk::serve(int listener) {
  constexpr int kLookAgainMs = 20;
  while (!is_done_) {
    pollfd waiting{listener, POLLIN, 0};
    if (::poll(&waiting, 1, kLookAgainMs) <= 0 || !(waiting.revents & POLLIN)) continue;
    seccomp_notif call{};
    if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) continue;  // the caller is gone
    seccomp_notif_resp answer{};
    answer.id = call.id;
    answer.error = -answer_to_write();
    if (answer.error == 0) answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    (void)::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
  }
}

int FaultyDisk::answer_to_write() {
  ++num_writes_;
  if (is_slow_ && ++num_delayed_ <= kMostDelays) std::this_thread::sleep_for(std::chrono::milliseconds(kSlowWriteMs));
  const int error = error_;
  return error != 0 && ++num_failed_ <= kMostTries ? error : 0;
}

}  // namespace trainhost::conformance
