// The bounded queue: order, capacity, closing, many threads.
#include "base/queue.h"

#include <atomic>
#include <memory>
#include <numeric>
#include <thread>
#include <vector>

#include <boost/test/unit_test.hpp>

namespace trainhost {

BOOST_AUTO_TEST_SUITE(queue_test)

BOOST_AUTO_TEST_CASE(items_come_out_in_the_order_in_which_they_went_in) {
  BoundedQueue<int> queue(3);
  for (int i = 0; i < 3; ++i) BOOST_TEST(queue.push(i));
  for (int i = 0; i < 3; ++i) BOOST_TEST(queue.pop().value() == i);
}

BOOST_AUTO_TEST_CASE(a_full_queue_refuses_but_for_the_item_that_must_not_be_lost) {
  BoundedQueue<int> queue(1);
  BOOST_TEST(queue.try_push(1));
  BOOST_TEST(!queue.try_push(2));
  BOOST_TEST(queue.push_beyond(3));
  BOOST_TEST(queue.pop().value() == 1);
  BOOST_TEST(queue.pop().value() == 3);
}

BOOST_AUTO_TEST_CASE(a_closed_queue_takes_nothing_and_hands_out_the_rest) {
  BoundedQueue<int> queue(2);
  queue.push(1);
  queue.close();
  BOOST_TEST(!queue.push(2));
  BOOST_TEST(!queue.try_push(2));
  BOOST_TEST(!queue.push_beyond(2));
  BOOST_TEST(queue.pop().value() == 1);
  BOOST_TEST(!queue.pop().has_value());
}

BOOST_AUTO_TEST_CASE(closing_wakes_those_who_wait_for_items_and_for_room) {
  BoundedQueue<int> empty(1), full(1);
  full.push(1);
  bool is_popped = true, is_pushed = true;
  std::thread consumer([&] { is_popped = empty.pop().has_value(); });
  std::thread producer([&] { is_pushed = full.push(2); });
  empty.close();
  full.close();
  consumer.join();
  producer.join();
  BOOST_TEST(!is_popped);
  BOOST_TEST(!is_pushed);
}

BOOST_AUTO_TEST_CASE(items_that_can_only_be_moved_pass) {
  BoundedQueue<std::unique_ptr<int>> queue(1);
  queue.push(std::make_unique<int>(7));
  BOOST_TEST(**queue.pop() == 7);
}

BOOST_AUTO_TEST_CASE(each_item_reaches_exactly_one_of_many_consumers) {
  constexpr int kProducers = 3, kConsumers = 3, kItems = 2000;
  BoundedQueue<int> queue(8);
  std::atomic<int64_t> sum = 0, count = 0;
  std::vector<std::thread> producers, consumers;
  for (int p = 0; p < kProducers; ++p)
    producers.emplace_back([&] {
      for (int i = 1; i <= kItems; ++i) queue.push(i);
    });
  for (int c = 0; c < kConsumers; ++c)
    consumers.emplace_back([&] {
      while (const auto item = queue.pop()) sum += *item, ++count;
    });
  for (auto& producer : producers) producer.join();
  queue.close();
  for (auto& consumer : consumers) consumer.join();
  BOOST_TEST(count == kProducers * kItems);
  BOOST_TEST(sum == int64_t{kProducers} * kItems * (kItems + 1) / 2);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
