// Waits between tries: they double up to a limit, and lie anywhere from nothing to all of that.
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <random>
#include <vector>

#include "s3/retry.h"
#include "testing/backend.h"

using namespace trainhost::s3;
using namespace s3ckpt::testing;

BOOST_AUTO_TEST_SUITE(s3ckpt_retry_test)

BOOST_AUTO_TEST_CASE(the_longest_wait_doubles_up_to_five_seconds) {
  for (unsigned number = 1; number <= 5; ++number) BOOST_TEST(longest_wait(number + 1) == 2 * longest_wait(number));
  for (const unsigned number : {7u, 20u, 1000u}) BOOST_TEST(longest_wait(number) == 5.0);
  BOOST_TEST(longest_wait(1) == 0.1);
}

BOOST_AUTO_TEST_CASE(a_wait_is_spread_evenly_over_all_of_it) {
  std::mt19937_64 random(1);
  for (const unsigned number : {1u, 4u, 9u}) {
    std::vector<int> tenths(10, 0);
    for (int i = 0; i < 10'000; ++i) {
      const double part = jittered_wait(number, random()) / longest_wait(number);
      BOOST_TEST_REQUIRE((part >= 0 && part < 1));
      ++tenths[static_cast<size_t>(part * 10)];
    }
    for (const int count : tenths) BOOST_TEST((count > 850 && count < 1150), count << " of 1000 expected; five standard deviations are 150");
  }
}

BOOST_AUTO_TEST_CASE(a_store_that_says_when_to_come_back_is_asked_no_sooner) {
  const Variable id("AWS_ACCESS_KEY_ID", "TESTKEY"), secret("AWS_SECRET_ACCESS_KEY", "test/secret+key"), token("AWS_SESSION_TOKEN", ""), profile("AWS_PROFILE", ""), region("AWS_REGION", "");
  Server server("fault_server.py");
  Backend backend(server.first_line());
  backend.put("a", "hello");
  server.ask("fault 1 status=503,SlowDown,1 ^GET .*/a$");
  const auto started = std::chrono::steady_clock::now();
  BOOST_TEST(backend.get("a") == "hello");
  BOOST_TEST((std::chrono::steady_clock::now() - started >= std::chrono::seconds(1)));  // the least that it may take, however slow the machine
}

BOOST_AUTO_TEST_SUITE_END()
