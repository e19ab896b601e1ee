// The ring of learning rates.
#include "engine/rate_table.h"

#include <boost/test/unit_test.hpp>

#include <ATen/ops/empty.h>

#include "base/error.h"

using namespace trainhost;

namespace {

RateTable make_table() {
  return RateTable(at::Device(at::kCPU), [](at::IntArrayRef sizes, at::ScalarType type) { return at::empty(sizes, type); });
}

std::vector<double> rates_from(uint64_t first, uint64_t count) {
  std::vector<double> out;
  for (uint64_t i = 0; i < count; ++i) out.push_back(static_cast<double>(first + i));
  return out;
}

double rate_at(const RateTable& table, uint64_t step) {
  table.check_covers(step, step);
  return table.ring()[static_cast<int64_t>(step) % table.ring().numel()].item<double>();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rate_table_test)

BOOST_AUTO_TEST_CASE(each_step_finds_its_rate_as_the_ring_turns) {
  RateTable table = make_table();
  for (uint64_t first = 0; first < 2000; first += 50) {
    table.set(first, rates_from(first, 80));
    for (uint64_t step = first; step < first + 80; ++step) BOOST_TEST(rate_at(table, step) == static_cast<double>(step));
  }
}

BOOST_AUTO_TEST_CASE(a_ring_that_grows_keeps_its_rates) {
  RateTable table = make_table();
  table.set(1000, rates_from(1000, 20));
  table.set(1020, rates_from(1020, 900));
  for (uint64_t step = 1000; step < 1920; ++step) BOOST_TEST(rate_at(table, step) == static_cast<double>(step));
}

BOOST_AUTO_TEST_CASE(later_rates_replace_earlier_ones_of_the_same_steps) {
  RateTable table = make_table();
  table.set(0, rates_from(0, 10));
  table.set(5, std::vector<double>(3, -1.0));
  BOOST_TEST(rate_at(table, 4) == 4.0);
  BOOST_TEST(rate_at(table, 5) == -1.0);
  BOOST_TEST(rate_at(table, 9) == 9.0);
}

BOOST_AUTO_TEST_CASE(a_step_without_a_rate_is_an_error) {
  RateTable table = make_table();
  BOOST_CHECK_THROW(rate_at(table, 0), Error);
  table.set(10, rates_from(10, 5));
  BOOST_CHECK_THROW(rate_at(table, 9), Error);
  BOOST_CHECK_THROW(rate_at(table, 15), Error);
}

BOOST_AUTO_TEST_SUITE_END()
