// The console on pipes and on a terminal of its own (a pty), with made-up time and environment.
#include "telemetry/console.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <memory>
#include <thread>

#include <boost/test/unit_test.hpp>

#include "base/files.h"

namespace trainhost {
BOOST_AUTO_TEST_SUITE(console_test)

namespace {

using Environment = std::map<std::string, std::string>;

std::string drain(int handle) {
  std::string text;
  char buffer[4096];
  for (pollfd ready{handle, POLLIN, 0}; ::poll(&ready, 1, 0) > 0 && (ready.revents & POLLIN);) {
    const ssize_t got = ::read(handle, buffer, sizeof buffer);
    if (got <= 0) break;
    text.append(buffer, static_cast<size_t>(got));
  }
  return text;
}

// Two pipes, or a pty for stderr and a pipe for stdout.
struct Streams {
  int error_out = -1, error_in = -1, answer_out = -1, answer_in = -1;
  double now = 100;
  Environment environment{{"TERM", "xterm"}};

  explicit Streams(int terminal_columns = 0) {
    int pipe_ends[2];
    BOOST_REQUIRE(::pipe(pipe_ends) == 0);
    answer_out = pipe_ends[0], answer_in = pipe_ends[1];
    if (terminal_columns == 0) {
      BOOST_REQUIRE(::pipe(pipe_ends) == 0);
      error_out = pipe_ends[0], error_in = pipe_ends[1];
      return;
    }
    const winsize size{24, static_cast<unsigned short>(terminal_columns), 0, 0};
    BOOST_REQUIRE(::openpty(&error_out, &error_in, nullptr, nullptr, &size) == 0);
    termios settings{};
    ::tcgetattr(error_in, &settings);
    ::cfmakeraw(&settings);  // newlines arrive as they were written
    ::tcsetattr(error_in, TCSANOW, &settings);
  }
  ~Streams() {
    for (const int handle : {error_out, error_in, answer_out, answer_in}) ::close(handle);
  }
  std::unique_ptr<Console> console(bool is_quiet = false, bool is_json = false) {
    return std::make_unique<Console>(
        Console::Options{is_quiet, is_json, error_in, answer_in, [this] { return now; }, [this](const char* name) { return environment[name]; }});
  }
  std::string error() const { return drain(error_out); }
  std::string answer() const { return drain(answer_out); }
};

ProgressLine at_step(uint64_t step) {
  ProgressLine line;
  line.step = step;
  return line;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_terminal_gets_one_line_that_is_redrawn_in_place) {
  Streams streams(40);
  const auto console = streams.console();
  console->progress(at_step(1), false);
  BOOST_TEST(streams.error() == "\rstep 1  0ms\x1b[K");
  streams.now += 0.125;
  console->progress(at_step(2), false);
  BOOST_TEST(streams.error() == "\rstep 2  0ms\x1b[K");
}

BOOST_AUTO_TEST_CASE(a_terminal_is_drawn_at_most_ten_times_a_second) {
  Streams streams(40);
  const auto console = streams.console();
  for (int i = 0; i < 1024; ++i) {
    streams.now = 100 + i / 1024.0;
    if (console->wants_progress(false)) console->progress(at_step(static_cast<uint64_t>(i)), false);
  }
  const std::string text = streams.error();
  BOOST_TEST(std::count(text.begin(), text.end(), '\r') == 10);
}

BOOST_AUTO_TEST_CASE(the_line_never_reaches_the_last_column_and_follows_a_resize) {
  Streams streams(12);
  const auto console = streams.console();
  console->progress(at_step(123456789), false);
  BOOST_TEST(streams.error() == "\rstep 123456\x1b[K");
  const winsize size{24, 40, 0, 0};
  ::ioctl(streams.error_in, TIOCSWINSZ, &size);
  streams.now += 1;
  console->progress(at_step(123456789), false);
  BOOST_TEST(streams.error() == "\rstep 123456789  0ms\x1b[K");
}

BOOST_AUTO_TEST_CASE(log_lines_go_around_the_live_line) {
  Streams streams(40);
  const auto console = streams.console();
  console->progress(at_step(1), false);
  streams.error();
  console->before_line();
  BOOST_TEST(streams.error() == "\r\x1b[K");
  console->after_line();
  BOOST_TEST(streams.error() == "\rstep 1  0ms\x1b[K");
}

BOOST_AUTO_TEST_CASE(an_evaluation_stands_above_the_live_line) {
  Streams streams(80);
  const auto console = streams.console();
  console->progress(at_step(1), false);
  streams.error();
  console->evaluation({"heldout", 1, {{"loss", 2.0}}, 1.0, false});
  BOOST_TEST(streams.error() == "\r\x1b[Kevaluation heldout at step 1: loss 2.0000 (1.0s)\n\rstep 1  0ms\x1b[K");
}

BOOST_AUTO_TEST_CASE(the_last_live_line_stays_when_the_run_has_stopped) {
  Streams streams(40);
  const auto console = streams.console();
  console->progress(at_step(1), false);
  console->progress(at_step(2), false);
  streams.error();
  console->stopped({"done", "max", 0, 2, 0, 1});
  BOOST_TEST(streams.error() == "\rstep 2  0ms\x1b[K\n");
  console->folder("runs/a");
  BOOST_TEST(streams.error() == "");
  BOOST_TEST(streams.answer() == "stopped\n  max: done\n  at step 2 after 1.0s, exit code 0\nrun folder\n  runs/a\n");
}

BOOST_AUTO_TEST_CASE(what_follows_a_console_begins_on_a_line_of_its_own) {
  Streams streams(40);
  auto console = streams.console();
  console->progress(at_step(1), false);
  streams.error();
  console.reset();
  BOOST_TEST(streams.error() == "\n");
}

BOOST_AUTO_TEST_CASE(a_pipe_gets_whole_lines_at_most_one_a_second_and_the_last) {
  Streams streams;
  const auto console = streams.console();
  for (int i = 0; i <= 21; ++i) {
    console->progress(at_step(static_cast<uint64_t>(i)), i % 4 == 0);  // a window takes 0.125 s, telemetry is due every 0.5 s
    streams.now += 0.125;
  }
  BOOST_TEST(streams.error() == "step 0  0ms\nstep 8  0ms\nstep 16  0ms\n");
  console->stopped({"done", "max", 0, 21, 0, 1});
  BOOST_TEST(streams.error() == "step 21  0ms\n");
}

BOOST_AUTO_TEST_CASE(a_line_that_was_printed_is_not_printed_again) {
  Streams streams;
  const auto console = streams.console();
  console->progress(at_step(1), true);
  console->stopped({"done", "max", 0, 1, 0, 1});
  BOOST_TEST(streams.error() == "step 1  0ms\n");
}

BOOST_AUTO_TEST_CASE(a_line_that_says_the_same_a_little_later_is_not_printed_again) {
  Streams streams;
  const auto console = streams.console();
  ProgressLine line = at_step(7);
  console->progress(line, true);
  streams.now += 0.5;
  line.elapsed_seconds = 0.5;
  console->progress(line, true);  // the loop has ended, and says so
  console->stopped({"done", "max", 0, 7, 0, 1});
  BOOST_TEST(streams.error() == "step 7  0ms\n");
}

BOOST_AUTO_TEST_CASE(a_line_with_a_new_held_out_loss_is_printed_though_the_step_is_the_same) {
  Streams streams;
  const auto console = streams.console();
  console->progress(at_step(7), true);
  streams.now += 2;
  ProgressLine line = at_step(7);
  line.heldout_loss = 1.5;
  console->progress(line, true);
  BOOST_TEST(streams.error() == "step 7  0ms\nstep 7  heldout 1.5000  0ms\n");
}

BOOST_AUTO_TEST_CASE(a_dumb_terminal_is_treated_as_a_pipe) {
  Streams streams(40);
  streams.environment["TERM"] = "dumb";
  const auto console = streams.console();
  BOOST_TEST(!console->wants_progress(false));
  console->progress(at_step(1), true);
  BOOST_TEST(streams.error() == "step 1  0ms\n");
}

BOOST_AUTO_TEST_CASE(quiet_leaves_the_answer) {
  Streams streams(40);
  const auto console = streams.console(/*is_quiet=*/true);
  console->loaded({{"model/gpt", "1", "a.so", "default"}});
  console->plan({});
  console->progress(at_step(1), true);
  console->evaluation({"heldout", 1, {}, 1.0, false});
  console->result("held-out bits per byte", "2.131");
  BOOST_TEST(streams.error() == "");
  BOOST_TEST(streams.answer() == "held-out bits per byte\n  2.131\n");
}

BOOST_AUTO_TEST_CASE(with_json_stdout_has_the_object_alone) {
  Streams streams;
  const auto console = streams.console(false, /*is_json=*/true);
  console->stopped({"done", "max", 0, 1, 0, 1});
  console->ledger("  compute  1s\n");
  console->json("{\"a\":1}");
  BOOST_TEST(streams.answer() == "{\"a\":1}\n");
  BOOST_TEST(streams.error() == "stopped\n  max: done\n  at step 1 after 1.0s, exit code 0\nwhere time went\n  compute  1s\n");
}

BOOST_AUTO_TEST_CASE(colours_follow_the_three_conventions) {
  Streams terminal(40), pipe;
  const auto colour = [](const Streams& streams, Environment environment) {
    return stream_style(streams.error_in, [&](const char* name) { return environment[name]; }).has_colour;
  };
  BOOST_TEST(colour(terminal, {{"TERM", "xterm"}}));
  BOOST_TEST(!colour(terminal, {{"TERM", "xterm"}, {"NO_COLOR", "1"}}));
  BOOST_TEST(colour(terminal, {{"TERM", "xterm"}, {"NO_COLOR", ""}}));  // empty counts as not set (no-color.org)
  BOOST_TEST(!colour(terminal, {{"TERM", "dumb"}}));
  BOOST_TEST(!colour(pipe, {{"TERM", "xterm"}}));
  BOOST_TEST(colour(pipe, {{"CLICOLOR_FORCE", "1"}}));
  BOOST_TEST(!colour(pipe, {{"CLICOLOR_FORCE", "0"}}));
  BOOST_TEST(!colour(pipe, {{"CLICOLOR_FORCE", "1"}, {"NO_COLOR", "1"}}));
}

BOOST_AUTO_TEST_CASE(headings_are_bold_where_colours_are_wanted) {
  Streams streams;
  streams.environment["CLICOLOR_FORCE"] = "1";
  streams.console()->folder("runs/a");
  BOOST_TEST(streams.answer() == "\x1b[1mrun folder\x1b[0m\n  runs/a\n");
}

BOOST_AUTO_TEST_CASE(no_colour_still_redraws_in_place) {
  Streams streams(40);
  streams.environment["NO_COLOR"] = "1";
  const auto console = streams.console();
  console->progress(at_step(1), false);
  BOOST_TEST(streams.error().starts_with("\r"));
}

BOOST_AUTO_TEST_CASE(a_sample_goes_to_a_pipe_as_it_is) {
  Streams streams;
  streams.console()->sample("#inc", "lude \x1b[1m");
  BOOST_TEST(streams.answer() == "sample\n#include \x1b[1m\n");
}

BOOST_AUTO_TEST_CASE(console_log_gets_progress_and_tables_without_control_characters) {
  const std::filesystem::path path = std::filesystem::temp_directory_path() / format("trainhost-console-{}", ::getpid());
  open_log_file(path.string());
  Streams streams(40);
  const auto console = streams.console();
  console->progress(at_step(1), true);
  console->folder("runs/a");
  const std::string text = read_file(path);
  BOOST_TEST(text.find(" step 1  0ms\n") != std::string::npos);
  BOOST_TEST(text.find("   runs/a\n") != std::string::npos);
  BOOST_TEST(text.find('\x1b') == std::string::npos);
  std::filesystem::remove(path);
}

BOOST_AUTO_TEST_CASE(a_reader_that_has_gone_away_does_not_end_the_run) {
  Streams streams;
  ::close(std::exchange(streams.answer_out, -1));
  std::signal(SIGPIPE, SIG_IGN);
  streams.console()->folder("runs/a");
}

BOOST_AUTO_TEST_CASE(threads_may_log_while_the_line_is_drawn) {
  const int null = ::open("/dev/null", O_WRONLY);
  Console console(
      {.is_quiet = false, .is_json = false, .error_handle = null, .answer_handle = null, .clock = monotonic_seconds, .environment = environment_variable});
  std::thread logger([&] {
    for (int i = 0; i < 300; ++i) console.before_line(), console.after_line(), log_to_file("x");
  });
  for (int i = 0; i < 300; ++i) {
    console.progress(at_step(static_cast<uint64_t>(i)), true);
    if (i % 50 == 0) console.evaluation({"heldout", 1, {}, 1.0, false});
  }
  logger.join();
  ::close(null);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
