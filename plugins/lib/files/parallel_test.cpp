#include "files/parallel.h"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

using namespace trainhost;

BOOST_AUTO_TEST_SUITE(parallel_test)

BOOST_AUTO_TEST_CASE(each_number_is_worked_on_once) {
  for (const size_t count : {size_t{0}, size_t{1}, size_t{3}, size_t{1000}}) {
    std::vector<std::atomic<int>> calls(count);
    in_parallel(count, [&](size_t i) { ++calls[i]; });
    for (const auto& one : calls) BOOST_TEST(one == 1);
  }
}

BOOST_AUTO_TEST_CASE(the_failure_of_the_lowest_number_is_thrown) {
  for (int round = 0; round < 100; ++round) {
    std::string words;
    try {
      in_parallel(200, [](size_t i) {
        if (i >= 57) throw std::runtime_error(std::to_string(i));
      });
    } catch (const std::runtime_error& failure) {
      words = failure.what();
    }
    BOOST_TEST(words == "57");
  }
}

BOOST_AUTO_TEST_SUITE_END()
