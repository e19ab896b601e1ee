// Starting a program, with its output in memory.
#include "process.h"

#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>

namespace crash {

void check(bool is_right, const char* what) {
  if (!is_right) throw std::system_error(errno, std::generic_category(), what);
}

Output::Output() : descriptor_(::memfd_create("output", MFD_CLOEXEC)) { check(descriptor_ >= 0, "memfd_create"); }

Output::~Output() { ::close(descriptor_); }

std::string Output::text() const {
  std::string text(static_cast<size_t>(::lseek(descriptor_, 0, SEEK_END)), '\0');
  check(::pread(descriptor_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()), "pread");
  return text;
}

pid_t spawn(const std::vector<std::string>& command, const Output* output, bool is_traced) {
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const pid_t child = ::fork();
  check(child >= 0, "fork");
  if (child > 0) return child;
  if (output && (::dup2(output->descriptor(), 1) < 0 || ::dup2(output->descriptor(), 2) < 0)) ::_exit(127);
  if (is_traced && (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0 || ::raise(SIGSTOP) != 0)) ::_exit(127);
  ::execv(words[0], words.data());
  ::_exit(127);
}

int exit_code_of(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

Ending run_plain(const std::vector<std::string>& command) {
  const Output output;
  const pid_t child = spawn(command, &output, false);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) check(errno == EINTR, "waitpid");
  return {exit_code_of(status), output.text()};
}

}  // namespace crash
