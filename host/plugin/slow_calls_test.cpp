// What is said about calls that let training wait.
#include "plugin/slow_calls.h"

#include <boost/test/unit_test.hpp>

namespace trainhost {
BOOST_AUTO_TEST_SUITE(slow_calls_test)

namespace {

struct Watched {
  double now = 100;
  SlowCalls calls{[this] { return now; }};

  double after(double seconds, double of_the_host = 0) {
    calls.begin();
    now += seconds;
    calls.pause();
    now += of_the_host;
    calls.go_on();
    return calls.end();
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(quick_calls_are_not_worth_a_word) { BOOST_TEST(Watched().after(0.9) == 0); }

BOOST_AUTO_TEST_CASE(a_slow_call_is_said_with_its_time) { BOOST_TEST(Watched().after(1.5) == 1.5); }

BOOST_AUTO_TEST_CASE(the_hosts_own_work_within_the_call_does_not_count) {
  Watched watched;
  BOOST_TEST(watched.after(0.25, 60) == 0);
  BOOST_TEST(watched.after(2, 60) == 2);
}

BOOST_AUTO_TEST_CASE(it_is_said_again_only_when_it_gets_much_worse) {
  Watched watched;
  BOOST_TEST(watched.after(2) == 2);
  BOOST_TEST(watched.after(3) == 0);
  BOOST_TEST(watched.after(4) == 4);
  BOOST_TEST(watched.after(4) == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
