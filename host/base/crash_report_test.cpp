// Crashes happen in a child process: what it wrote, and how it ended.
#include "base/crash_report.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <thread>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <trainhost/format.hpp>

#include "base/call_stack.h"
#include "base/files.h"

namespace trainhost {
BOOST_AUTO_TEST_SUITE(crash_report_test)

namespace {

namespace fs = std::filesystem;

constexpr PluginCall kCheck{"stopping_rule/zebra", "check", "/plugins/zebra.so"};
constexpr PluginCall kRead{"data_source/cache", "read", "/plugins/cache.so"};

struct Ended {
  int signal = 0, exit_code = -1;
  std::string said, file;
};

void run_child(const fs::path& folder, const std::function<void()>& body) {
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) ::signal(signal, SIG_DFL);  // Boost has handlers of its own
  const int errors = ::open((folder / "stderr").c_str(), O_WRONLY | O_CREAT, 0600);
  ::dup2(errors, STDERR_FILENO);
  body();
  ::_exit(0);
}

Ended ended(const std::function<void()>& body) {
  std::string pattern = (fs::temp_directory_path() / "trainhost-crash-XXXXXX").string();
  BOOST_REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  const fs::path folder = pattern;
  const pid_t child = ::fork();
  if (child == 0) run_child(folder, [&] { set_crash_folder(folder.string()), body(); });
  int status = 0;
  ::waitpid(child, &status, 0);
  Ended end;
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  if (WIFEXITED(status)) end.exit_code = WEXITSTATUS(status);
  end.said = read_file(folder / "stderr");
  if (fs::exists(folder / "crash.txt")) end.file = read_file(folder / "crash.txt");
  fs::remove_all(folder);
  return end;
}

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

volatile int g_zero = 0;
volatile uintptr_t g_nowhere = 16;
void write_nowhere() { *reinterpret_cast<volatile int*>(g_nowhere) = 1; }
[[gnu::no_sanitize("undefined")]] void divide_by_zero() { g_zero = 1000 / g_zero; }
int overflow_stack(volatile char* above) {
  volatile char room[4096];
  room[0] = *above;
  return g_zero ? 0 : overflow_stack(room) + room[0];
}
void overflow_a_threads_stack() {
  const CallNote note(kCheck);
  volatile char top = 0;
  g_zero = overflow_stack(&top);
}

struct Mishap {
  int signal;
  void (*happen)();
  const char* words;
  friend std::ostream& operator<<(std::ostream& out, const Mishap& mishap) { return out << mishap.words; }
};
const std::vector<Mishap> kMishaps = {
    {SIGSEGV, write_nowhere, "SIGSEGV (no memory at 0x10)"},
    {SIGFPE, divide_by_zero, "SIGFPE (division by zero)"},
    {SIGILL, [] { ::raise(SIGILL); }, "SIGILL (sent by a process)"},
    {SIGBUS, [] { ::kill(::getpid(), SIGBUS); }, "SIGBUS (sent by a process)"},
    {SIGABRT, [] { std::abort(); }, "SIGABRT (abort())"},
    {SIGSEGV, [] { std::thread(overflow_a_threads_stack).join(); }, "SIGSEGV (no memory at 0x"},
};

}  // namespace

BOOST_DATA_TEST_CASE(a_signal_in_a_call_names_the_plugin_and_ends_the_process_as_usual, boost::unit_test::data::make(kMishaps), mishap) {
  const Ended end = ended([&] {
    install_crash_reports();
    const CallNote note(kCheck);
    mishap.happen();
  });
  BOOST_TEST(end.signal == mishap.signal);
  BOOST_TEST(holds(end.said, format("crash: {}", mishap.words)), end.said);
  BOOST_TEST(holds(end.said, " inside of check of stopping_rule/zebra, file /plugins/zebra.so\n"), end.said);
  BOOST_TEST(holds(end.said, "leave stopping_rule/zebra out"), end.said);
  BOOST_TEST(holds(end.said, "crash: #0 "), end.said);
  BOOST_TEST(end.file == end.said);
}

BOOST_AUTO_TEST_CASE(nested_calls_are_listed_from_the_inside) {
  const Ended end = ended([] {
    install_crash_reports();
    const CallNote outer(kRead);
    const CallNote inner(kCheck);
    write_nowhere();
  });
  BOOST_TEST(
      holds(end.said, "inside of check of stopping_rule/zebra, file /plugins/zebra.so\ncrash:   called by read of data_source/cache, file /plugins/cache.so\n"),
      end.said);
}

BOOST_AUTO_TEST_CASE(a_crash_after_a_call_is_outside_of_any) {
  const Ended end = ended([] {
    install_crash_reports();
    { const CallNote note(kCheck); }
    write_nowhere();
  });
  BOOST_TEST(end.signal == SIGSEGV);
  BOOST_TEST(holds(end.said, "SIGSEGV (no memory at 0x10) outside of any plugin call\n"), end.said);
  BOOST_TEST(!holds(end.said, "zebra"), end.said);
}

BOOST_AUTO_TEST_CASE(calls_beyond_the_kept_depth_do_no_harm) {
  const Ended end = ended([] {
    install_crash_reports();
    for (int i = 0; i < 100; ++i) push_call(kRead);
    for (int i = 0; i < 99; ++i) pop_call();
    write_nowhere();
  });
  BOOST_TEST(holds(end.said, "inside of read of data_source/cache"), end.said);
  BOOST_TEST(!holds(end.said, "called by"), end.said);
}

BOOST_AUTO_TEST_CASE(a_handler_that_was_there_before_goes_on_afterwards) {
  const Ended end = ended([] {
    ::signal(SIGSEGV, [](int) { ::_exit(42); });
    install_crash_reports();
    const CallNote note(kCheck);
    write_nowhere();
  });
  BOOST_TEST(end.exit_code == 42);
  BOOST_TEST(holds(end.said, "inside of check of stopping_rule/zebra"), end.said);
}

BOOST_AUTO_TEST_CASE(of_threads_that_crash_at_once_one_reports) {
  const Ended end = ended([] {
    install_crash_reports();
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
      threads.emplace_back([] {
        const CallNote note(kCheck);
        write_nowhere();
      });
    for (std::thread& thread : threads) thread.join();
  });
  BOOST_TEST(end.signal == SIGSEGV);
  BOOST_TEST(end.said.find("crash: SIGSEGV") == end.said.rfind("crash: SIGSEGV"), end.said);
}

BOOST_AUTO_TEST_CASE(exit_in_a_call_is_reported_and_is_no_success) {
  const Ended end = ended([] {
    install_crash_reports();
    watch_for_exit();
    const CallNote note(kCheck);
    std::exit(0);
  });
  BOOST_TEST(end.exit_code == 13);
  BOOST_TEST(holds(end.said, "crash: exit() inside of check of stopping_rule/zebra, file /plugins/zebra.so, which a plugin must not do\n"), end.said);
  BOOST_TEST(end.file == end.said);
}

BOOST_AUTO_TEST_CASE(without_the_handlers_a_call_is_noted_all_the_same) {
  const CallNote note(kCheck);
  BOOST_REQUIRE(call_stack().innermost() != nullptr);
  BOOST_TEST(call_stack().innermost()->function == kCheck.function);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
