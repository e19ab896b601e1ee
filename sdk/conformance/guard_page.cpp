// Guard pages and the handler that says whose page was touched.
#include "conformance/guard_page.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <stdexcept>

#include "conformance/conformance.h"

namespace trainhost::conformance {
namespace {

// The handler may touch nothing but atomics. A page that finds no place here is still guarded, only not named.
struct Watched {
  std::atomic<std::uintptr_t> page{0};
  std::atomic<const char*> what{nullptr};
};
std::array<Watched, 256> watched;
std::atomic<int> report_to{-1};

std::size_t page_bytes() {
  static const auto bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

void watch(std::uintptr_t page, const char* what) {
  for (Watched& place : watched) {
    std::uintptr_t none = 0;
    if (!place.page.compare_exchange_strong(none, page)) continue;
    place.what = what;
    return;
  }
}

void unwatch(std::uintptr_t page) {
  for (Watched& place : watched)
    if (place.page == page) place.what = nullptr, place.page = 0;
}

void write_all(const char* text) {
  for (std::size_t left = std::strlen(text); left > 0;) {
    const ssize_t written = ::write(report_to, text, left);
    if (written <= 0) return;
    text += written, left -= static_cast<std::size_t>(written);
  }
}

void on_fault(int signal, siginfo_t* info, void*) {
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  for (const Watched& place : watched) {
    const std::uintptr_t page = place.page;
    const char* what = place.what;
    if (page == 0 || !what || address < page || address >= page + page_bytes()) continue;
    write_all("fail\ntouched memory behind the end of ");
    write_all(what);
    write_all(", which the host gave it; a struct ends where its struct_size says");
    _exit(0);
  }
  ::signal(signal, SIG_DFL);  // not ours: the same fault again ends the process, and the parent names the signal
}

}  // namespace

GuardedMemory::GuardedMemory(std::size_t size, const char* what) {
  const std::size_t page = page_bytes(), usable = (size + page - 1) / page * page;
  mapped_bytes_ = usable + page;
  void* mapped = ::mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::runtime_error("no memory for a guard page");
  pages_ = static_cast<std::byte*>(mapped);
  if (::mprotect(pages_ + usable, page, PROT_NONE) != 0) throw std::runtime_error("a guard page cannot be protected");
  data_ = pages_ + usable - size;
  watch(reinterpret_cast<std::uintptr_t>(pages_ + usable), what);
}

GuardedMemory::~GuardedMemory() {
  unwatch(reinterpret_cast<std::uintptr_t>(pages_ + mapped_bytes_ - page_bytes()));
  ::munmap(pages_, mapped_bytes_);
}

void report_overruns_to(int file_descriptor) {
  report_to = file_descriptor;
  static std::array<std::byte, 1 << 16> stack;  // of its own, so that an overflow of the stack is reported too
  const stack_t alternate{stack.data(), 0, stack.size()};
  ::sigaltstack(&alternate, nullptr);
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigaction(SIGSEGV, &action, nullptr);
}

}  // namespace trainhost::conformance
