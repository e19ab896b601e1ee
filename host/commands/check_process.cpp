// Spawning, waiting with a limit, and reading what is left.
#include "commands/check_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <future>
#include <iterator>

#include "base/error.h"
#include "loop/preemption.h"
#include "plugin/text.h"

namespace trainhost {
namespace {

using conformance::Outcome;
using conformance::Verdict;
namespace fs = std::filesystem;

// The allocator counts what it keeps for threads as allocated. Without these caches a plugin with threads does not seem to leak.
std::vector<std::string> environment_of_child() {
  constexpr std::string_view kTunables = "GLIBC_TUNABLES=";
  std::string tunables(kTunables);
  std::vector<std::string> environment;
  for (char** variable = environ; *variable; ++variable)
    if (const std::string_view text = *variable; text.starts_with(kTunables))
      tunables = text;
    else
      environment.emplace_back(text);
  environment.push_back(tunables + (tunables == kTunables ? "" : ":") + "glibc.malloc.tcache_count=0");
  return environment;
}

std::vector<char*> c_strings(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

pid_t spawn(const std::vector<std::string>& arguments, const fs::path& output) {
  const std::vector<std::string> environment = environment_of_child();
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);  // so that what the plugin starts can be ended with it
  pid_t child = 0;
  const int failed = posix_spawn(&child, "/proc/self/exe", &actions, &attributes, c_strings(arguments).data(), c_strings(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) throw Error(ExitCode::kFailure, format("cannot start a process for the question: {}; use --in-process", std::strerror(failed)));
  return child;
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

std::string read_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// ": free(): invalid pointer", the last line that the process wrote; empty when it wrote none.
std::string last_words(const fs::path& folder) {
  std::string text = read_text(folder / "output.txt");
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
  const size_t line = text.rfind('\n');
  return text.empty() ? "" : ": " + clean_text(line == std::string::npos ? text : text.substr(line + 1), 300);
}

Verdict verdict_of(int status, const fs::path& folder) {
  const std::optional<Verdict> verdict = conformance::parse_verdict(read_text(folder / "answer.txt"));
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    return {Outcome::kFail,
            format("{}crashed with SIG{} ({}){}", verdict ? "was answered, but the process then " : "", sigabbrev_np(signal) ? sigabbrev_np(signal) : "?",
                   sigdescr_np(signal) ? sigdescr_np(signal) : "unknown signal", last_words(folder))};
  }
  if (!verdict) return {Outcome::kFail, format("the plugin ended its host with exit code {}, without an answer{}", WEXITSTATUS(status), last_words(folder))};
  if (WEXITSTATUS(status) != 0)
    return {Outcome::kFail, format("was answered, but the process then ended with exit code {}{}", WEXITSTATUS(status), last_words(folder))};
  return *verdict;
}

}  // namespace

Verdict ask_in_a_process(const std::vector<std::string>& arguments, const fs::path& folder, double limit_s) {
  const pid_t child = spawn(arguments, folder / "output.txt");
  std::future<int> ended = std::async(std::launch::async, wait_for, child);
  const bool is_late = ended.wait_for(std::chrono::duration<double>(limit_s)) == std::future_status::timeout;
  ::kill(-child, SIGKILL);  // the whole group: a child that is gone has left no other process behind
  const int status = ended.get();
  if (is_late) return {Outcome::kFail, format("is not done after {} s; see --time-limit", limit_s)};
  return verdict_of(status, folder);
}

void answer_into(const fs::path& folder, const conformance::Question& question, const conformance::Subject& subject) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  make_failed_writes_errors();  // as in a run
  const int file = ::open((folder / "answer.txt").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) throw Error(ExitCode::kFailure, format("{}: cannot be written: {}", (folder / "answer.txt").native(), std::strerror(errno)));
  conformance::report_overruns_to(file);
  const std::string text = conformance::verdict_text(question.ask(subject));
  for (size_t done = 0; done < text.size();) {
    const ssize_t written = ::write(file, text.data() + done, text.size() - done);
    if (written <= 0) throw Error(ExitCode::kFailure, format("{}: cannot be written: {}", (folder / "answer.txt").native(), std::strerror(errno)));
    done += static_cast<size_t>(written);
  }
}

}  // namespace trainhost
