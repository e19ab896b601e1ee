// The line of a transfer on a terminal of its own and elsewhere, with made-up time.
#include "telemetry/transfer_line.h"

#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

namespace trainhost {
BOOST_AUTO_TEST_SUITE(transfer_line_test)

namespace {

constexpr uint64_t kMib = 1 << 20;

struct Terminal {
  int out = -1, in = -1;
  double now = 100;
  Terminal() {
    const winsize size{24, 100, 0, 0};
    BOOST_REQUIRE(::openpty(&out, &in, nullptr, nullptr, &size) == 0);
  }
  ~Terminal() {
    ::close(out);
    ::close(in);
  }
  TransferLine::Options options(bool is_quiet = false) {
    return {"reading", 4 * kMib, is_quiet, in, [this] { return now; }, [](const char* name) { return std::string(name) == std::string("TERM") ? "xterm" : ""; }};
  }
  std::string drain() const {
    std::string text;
    char buffer[4096];
    for (pollfd ready{out, POLLIN, 0}; ::poll(&ready, 1, 0) > 0 && (ready.revents & POLLIN);) {
      const ssize_t got = ::read(out, buffer, sizeof buffer);
      if (got <= 0) break;
      text.append(buffer, static_cast<size_t>(got));
    }
    return text;
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(the_text_says_how_far_and_how_long) {
  BOOST_TEST(transfer_text("reading x", kMib, 4 * kMib, 2, 200) == "reading x  [######------------------]  25%  1 MiB of 4 MiB  512 KiB/s  6.0s left");
  BOOST_TEST(transfer_text("reading x", kMib, 4 * kMib, 2, 0) == "reading x  25%  1 MiB of 4 MiB  512 KiB/s  6.0s left");
  BOOST_TEST(transfer_text("reading x", 4 * kMib, 4 * kMib, 2, 0) == "reading x  100%  4 MiB of 4 MiB  2 MiB/s");
  BOOST_TEST(transfer_text("reading x", kMib, 0, 1, 0) == "reading x  1 MiB  1 MiB/s");
  BOOST_TEST(transfer_text("reading x", kMib, 4 * kMib, 2, 12) == "reading x  [");
}

BOOST_AUTO_TEST_CASE(a_terminal_gets_a_line_that_is_redrawn_and_goes) {
  Terminal terminal;
  {
    TransferLine line(terminal.options());
    line.add(kMib);
    BOOST_TEST(terminal.drain() == "");  // a transfer of less than a second says nothing
    terminal.now += 1.5;
    line.add(kMib);
    const std::string drawn = terminal.drain();
    BOOST_TEST(drawn.starts_with("\rreading  [############------------]  50%"));
    terminal.now += 0.01;
    line.add(kMib);
    BOOST_TEST(terminal.drain() == "");  // at most ten times a second
    terminal.now += 0.2;
    line.add(kMib);
    BOOST_TEST(terminal.drain().find("100%") != std::string::npos);
  }
  BOOST_TEST(terminal.drain() == "\r\x1b[K");
}

BOOST_AUTO_TEST_CASE(quiet_is_quiet) {
  Terminal terminal;
  {
    TransferLine line(terminal.options(true));
    terminal.now += 5;
    line.add(kMib);
  }
  BOOST_TEST(terminal.drain() == "");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
