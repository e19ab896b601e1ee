// What goes wrong goes wrong as the keys say, and nothing else: asked through the C ABI, around a backend in memory.
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <trainhost/testing/memory_backend.hpp>
#include <trainhost/testing/object_cases.hpp>

using namespace trainhost::testing;
using trainhost::format;
namespace data = boost::unit_test::data;

namespace {

struct Faulty {
  MemoryPlace place;
  FakeHost inner_host;
  MemoryUpstream inner{place, inner_host.c()};
  Objects objects;

  explicit Faulty(const std::string& config = "{}") : objects(config, {inner.get()}) {}
};

/// Which of `count` creates fail.
std::string fates(const std::string& config, int count = 200) {
  Faulty faulty(config);
  std::string seen;
  for (int i = 0; i < count; ++i) seen += status_of([&] { faulty.objects.create(format("k/{}", i), "x"); }) == TRAINHOST_OK ? '.' : 'F';
  return seen;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(faultckpt_test)

BOOST_AUTO_TEST_CASE(without_faults_it_is_the_backend_that_it_wraps) {
  Faulty faulty;
  keys_come_in_bytewise_order(faulty.objects);
  const std::string bytes = pattern_bytes(100'000);
  faulty.objects.put("large", bytes);
  BOOST_TEST((faulty.objects.get("large") == bytes));
  faulty.objects.remove("large");
  BOOST_TEST(!faulty.objects.has("large"));
  keys_that_lead_elsewhere_are_refused(faulty.objects);
}

BOOST_AUTO_TEST_CASE(it_says_that_it_is_there) {
  Faulty faulty;
  BOOST_TEST(faulty.objects.host().has_logged(TRAINHOST_LOG_WARNING, "on purpose"));
}

BOOST_AUTO_TEST_CASE(a_probability_is_about_kept_and_follows_from_the_seed) {
  const std::string first = fates(R"({"fail_probability":0.3})");
  const auto num_failed = std::count(first.begin(), first.end(), 'F');
  BOOST_TEST((num_failed > 30 && num_failed < 90), num_failed << " of 200");
  BOOST_TEST(fates(R"({"fail_probability":0.3})") == first);
  BOOST_TEST(fates(R"({"fail_probability":0.3,"seed":2})") != first);
  BOOST_TEST(fates(R"({"fail_probability":1})", 3) == "FFF");
}

BOOST_AUTO_TEST_CASE(every_nth_call_fails_after_those_that_shall_go_well) {
  BOOST_TEST(fates(R"({"fail_every":3})", 7) == "..F..F.");
  BOOST_TEST(fates(R"({"fail_every":1,"after_calls":4})", 6) == "....FF");
}

BOOST_AUTO_TEST_CASE(the_order_of_calls_does_not_matter_to_a_probability) {
  const std::string config = R"({"fail_probability":0.5})", forwards = fates(config, 20);
  Faulty faulty(config);
  for (int i = 19; i >= 0; --i) BOOST_TEST((status_of([&] { faulty.objects.create(format("k/{}", i), "x"); }) == TRAINHOST_OK) == (forwards[static_cast<size_t>(i)] == '.'));
}

BOOST_AUTO_TEST_CASE(only_the_operations_and_keys_that_are_named_fail) {
  Faulty faulty(R"({"fail_every":1,"fail_operations":"get","only_keys":"weights"})");
  faulty.objects.put("a/weights", "x");
  faulty.objects.put("a/other", "x");
  BOOST_TEST(faulty.objects.get("a/other") == "x");
  BOOST_TEST(status_of([&] { faulty.objects.get("a/weights"); }) == TRAINHOST_UNAVAILABLE);
}

BOOST_AUTO_TEST_CASE(a_permanent_failure_is_not_worth_a_retry) {
  Faulty faulty(R"({"fail_every":1,"fail_as":"permanent","fail_operations":["put_commit"]})");
  BOOST_TEST(status_of([&] { faulty.objects.put("a", "x"); }) == TRAINHOST_FAILED_PRECONDITION);
  BOOST_TEST(faulty.place.snapshot().empty());
}

BOOST_AUTO_TEST_CASE(a_late_failure_has_taken_effect) {
  Faulty faulty(R"({"fail_every":1,"fail_late":true,"fail_operations":["put_commit","create"]})");
  BOOST_TEST(status_of([&] { faulty.objects.put("a", "x"); }) == TRAINHOST_UNAVAILABLE);
  BOOST_TEST(status_of([&] { faulty.objects.create("b", "y"); }) == TRAINHOST_UNAVAILABLE);
  BOOST_TEST(faulty.objects.get("a") + faulty.objects.get("b") == "xy");
}

BOOST_DATA_TEST_CASE(a_torn_object_is_a_true_beginning, data::make({1, 5000, 4096 * 7 + 3}), size) {
  Faulty faulty(R"({"tear_every":1})");
  const std::string bytes = pattern_bytes(static_cast<size_t>(size));
  faulty.objects.put("torn", bytes);
  faulty.objects.create("torn-too", bytes);
  for (const auto& [key, stored] : faulty.place.snapshot()) BOOST_TEST((stored.size() < bytes.size() && bytes.starts_with(stored)), key << " has " << stored.size());
  BOOST_TEST(faulty.place.snapshot().size() == 2u);
  BOOST_TEST((faulty.objects.get("torn", 0, 1 << 20) == faulty.place.snapshot()["torn"]));
}

BOOST_AUTO_TEST_CASE(a_lost_object_was_never_there) {
  Faulty faulty(R"({"lose_every":2})");
  faulty.objects.put("a", "x");
  faulty.objects.put("b", "y");
  faulty.objects.create("c", "z");
  faulty.objects.create("d", "z");
  BOOST_TEST((faulty.objects.list() == Objects::Keys{"a", "c"}));
  BOOST_TEST(status_of([&] { faulty.objects.get("b"); }) == TRAINHOST_NOT_FOUND);
}

BOOST_AUTO_TEST_CASE(what_is_volatile_is_whole_until_the_process_ends) {
  Faulty faulty(R"({"lose_every":2,"tear_every":1,"volatile":true})");
  const std::string bytes = pattern_bytes(20'000);
  for (const char* key : {"torn", "lost"}) faulty.objects.put(key, bytes);
  for (const char* key : {"torn", "lost"}) BOOST_TEST((faulty.objects.get(key) == bytes && faulty.objects.get(key, 19'999, 5) == bytes.substr(19'999)));
  BOOST_TEST((faulty.objects.list() == Objects::Keys{"lost", "torn"}));
  BOOST_TEST(faulty.place.snapshot().size() == 1u);
  BOOST_TEST(faulty.place.snapshot()["torn"].size() < bytes.size());
  faulty.objects.remove("lost");
  BOOST_TEST((faulty.objects.list() == Objects::Keys{"torn"}));
}

BOOST_AUTO_TEST_CASE(a_read_has_one_flipped_bit) {
  Faulty faulty(R"({"flip_every":2})");
  faulty.objects.put("a", std::string(1000, '\0'));
  BOOST_TEST((faulty.objects.get("a") == std::string(1000, '\0')));
  int num_bits = 0;
  for (const char byte : faulty.objects.get("a")) num_bits += __builtin_popcount(static_cast<unsigned char>(byte));
  BOOST_TEST(num_bits == 1);
}

BOOST_AUTO_TEST_CASE(a_stale_list_is_the_one_before) {
  Faulty faulty(R"({"stale_every":2})");
  faulty.objects.put("a", "x");
  BOOST_TEST((faulty.objects.list() == Objects::Keys{"a"}));
  faulty.objects.put("b", "x");
  BOOST_TEST((faulty.objects.list() == Objects::Keys{"a", "b"}));
  faulty.objects.put("c", "x");
  BOOST_TEST((faulty.objects.list() == Objects::Keys{"a", "b"}));
  BOOST_TEST((faulty.objects.list() == Objects::Keys{"a", "b", "c"}));
}

BOOST_AUTO_TEST_CASE(a_slow_call_takes_its_time_and_ends_when_it_is_cancelled) {
  Faulty faulty(R"({"latency_ms":3600000})");
  faulty.objects.host().is_cancelled = true;
  BOOST_TEST(status_of([&] { faulty.objects.get("a"); }) == TRAINHOST_CANCELLED);
  faulty.objects.host().is_cancelled = false;
  faulty.objects.host().deadline_ns = 1;
  BOOST_TEST(status_of([&] { faulty.objects.get("a"); }) == TRAINHOST_DEADLINE_EXCEEDED);
}

BOOST_AUTO_TEST_CASE(a_narrow_line_lets_bytes_through_no_faster_than_it_says) {
  Faulty faulty(R"({"bytes_per_second":100000})");
  const auto started = std::chrono::steady_clock::now();
  faulty.objects.put("a", pattern_bytes(10'000));
  BOOST_TEST((std::chrono::steady_clock::now() - started >= std::chrono::milliseconds(100)));  // the least that it may take, however slow the machine
}

BOOST_AUTO_TEST_SUITE_END()
