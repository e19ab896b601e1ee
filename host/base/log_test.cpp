// The logging door: levels, console.log, the guard of the terminal line.
#include "base/log.h"

#include <unistd.h>

#include <filesystem>

#include <boost/test/unit_test.hpp>

#include "base/error.h"
#include "base/files.h"

namespace trainhost {
BOOST_AUTO_TEST_SUITE(log_test)

namespace {

namespace fs = std::filesystem;

// stderr goes to a file while this lives.
class CapturedError {
 public:
  CapturedError() : path_(fs::temp_directory_path() / format("trainhost-log-test-{}", ::getpid())), saved_(::dup(2)) {
    std::fflush(stderr);
    FILE* file = std::fopen(path_.c_str(), "w+");
    ::dup2(::fileno(file), 2);
    std::fclose(file);
  }
  ~CapturedError() {
    std::fflush(stderr);
    ::dup2(saved_, 2);
    ::close(saved_);
    fs::remove(path_);
  }
  std::string text() const { return read_file(path_); }

 private:
  fs::path path_;
  int saved_;
};

struct RecordingGuard : LineGuard {
  std::string calls;
  void before_line() override { calls += "<"; }
  void after_line() override { calls += ">"; }
};

}  // namespace

BOOST_AUTO_TEST_CASE(lines_carry_their_level_and_those_below_the_level_are_dropped) {
  const CapturedError captured;
  log_debug("not {}", "seen");
  log_info("plain {}", 1);
  log_warning("careful");
  log_error("bad");
  set_log_level(LogLevel::kWarning);
  log_info("not seen");
  set_log_level(LogLevel::kInfo);
  BOOST_TEST(captured.text() == "plain 1\nwarning: careful\nerror: bad\n");
}

BOOST_AUTO_TEST_CASE(console_log_gets_every_line_and_the_lines_for_it_alone) {
  const fs::path path = fs::temp_directory_path() / format("trainhost-console-log-{}", ::getpid());
  const CapturedError captured;
  open_log_file(path.string());
  log_info("both");
  log_to_file("only\nhere");
  const std::string file = read_file(path);
  BOOST_TEST(captured.text() == "both\n");
  BOOST_TEST(file.find(" both\n") != std::string::npos);
  BOOST_TEST(file.find(" only\n") != std::string::npos);
  BOOST_TEST(file.ends_with(" here\n"));
  fs::remove(path);
}

BOOST_AUTO_TEST_CASE(a_full_disk_under_console_log_is_said_once_and_does_not_throw) {
  const CapturedError captured;
  open_log_file("/dev/full");
  log_info("one");
  log_info("two");
  log_to_file("three");
  const std::string text = captured.text();
  BOOST_TEST(text.starts_with("one\nwarning: console.log ends here"));
  BOOST_TEST(text.ends_with("\ntwo\n"));
}

BOOST_AUTO_TEST_CASE(a_console_log_that_cannot_be_opened_is_an_error_that_names_it) {
  BOOST_CHECK_EXCEPTION(open_log_file("/proc/no/console.log"), Error, [](const Error& error) {
    return error.code() == ExitCode::kConfig && std::string(error.what()).starts_with("/proc/no/console.log: cannot be opened");
  });
}

BOOST_AUTO_TEST_CASE(the_guard_is_asked_around_each_line_on_the_terminal_only) {
  const CapturedError captured;
  RecordingGuard guard;
  set_line_guard(&guard);
  log_info("one");
  log_debug("dropped");
  log_warning("two");
  log_to_file("file only");
  set_line_guard(nullptr);
  log_info("three");
  BOOST_TEST(guard.calls == "<><>");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
