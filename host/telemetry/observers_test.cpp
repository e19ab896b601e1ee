// Observers that are slow, blocked, failing or flooded never hold up who publishes.
#include "telemetry/observers.h"

#include <future>
#include <mutex>
#include <stdexcept>
#include <thread>

#include <boost/test/unit_test.hpp>

namespace trainhost {
BOOST_AUTO_TEST_SUITE(observers_test)

namespace {

// What a sink saw, shared with the test.
struct Seen {
  std::mutex mutex;
  std::vector<std::string> names;
  void add(const std::string& name) {
    const std::lock_guard lock(mutex);
    names.push_back(name);
  }
  size_t count() {
    const std::lock_guard lock(mutex);
    return names.size();
  }
};

struct FunctionSink final : EventSink {
  std::function<void(const Event&)> function;
  explicit FunctionSink(std::function<void(const Event&)> f) : function(std::move(f)) {}
  std::string name() const override { return "observer/test"; }
  void on_event(const Event& event) override { function(event); }
};

std::unique_ptr<EventSink> sink(std::function<void(const Event&)> function) { return std::make_unique<FunctionSink>(std::move(function)); }
std::shared_ptr<const Event> event(std::string name) { return std::make_shared<const Event>(Event{.name = std::move(name)}); }

}  // namespace

BOOST_AUTO_TEST_CASE(every_observer_sees_every_event_in_order) {
  Seen first, second;
  Observers observers;
  observers.add(sink([&](const Event& e) { first.add(e.name); }));
  observers.add(sink([&](const Event& e) { second.add(e.name); }));
  std::vector<std::string> sent;
  for (int i = 0; i < 200; ++i) observers.publish(event(sent.emplace_back(std::to_string(i))));
  const auto reports = observers.stop();
  BOOST_TEST(first.names == sent, boost::test_tools::per_element());
  BOOST_TEST(second.names == sent, boost::test_tools::per_element());
  BOOST_TEST(reports.at(1).num_delivered == 200U);
  BOOST_TEST(reports.at(1).num_dropped == 0U);
}

BOOST_AUTO_TEST_CASE(a_flood_is_dropped_and_counted_but_for_the_last_event) {
  std::promise<void> go;
  const std::shared_future<void> gate = go.get_future().share();
  std::promise<void> inside;
  Seen seen;
  Observers observers(4);
  observers.add(sink([&, is_first = true](const Event& e) mutable {
    if (std::exchange(is_first, false)) inside.set_value(), gate.wait();
    seen.add(e.name);
  }));
  observers.publish(event("first"));
  inside.get_future().wait();  // the queue is empty now, the observer busy
  for (int i = 0; i < 100; ++i) observers.publish(event("step"));
  observers.publish(event("run_end"));
  go.set_value();
  const auto reports = observers.stop();
  BOOST_TEST(reports.at(0).num_dropped == 96U);
  BOOST_TEST(seen.names == (std::vector<std::string>{"first", "step", "step", "step", "step", "run_end"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(three_errors_in_a_row_mute_an_observer) {
  int calls = 0;
  Observers observers;
  observers.add(sink([&](const Event&) { ++calls, throw std::runtime_error("no room"); }));
  for (int i = 0; i < 10; ++i) observers.publish(event("step"));
  const ObserverReport report = observers.stop().at(0);
  BOOST_TEST(calls == 3);
  BOOST_TEST(report.is_muted);
  BOOST_TEST(report.num_failed == 3U);
  BOOST_TEST(report.last_error == "no room");
}

BOOST_AUTO_TEST_CASE(errors_that_are_not_in_a_row_do_not_mute) {
  int calls = 0;
  Observers observers;
  observers.add(sink([&](const Event&) {
    if (++calls % 3 != 0) throw 42;  // not even a std::exception
  }));
  for (int i = 0; i < 9; ++i) observers.publish(event("step"));
  const ObserverReport report = observers.stop().at(0);
  BOOST_TEST(!report.is_muted);
  BOOST_TEST(report.num_failed == 6U);
  BOOST_TEST(report.num_delivered == 3U);
}

BOOST_AUTO_TEST_CASE(an_observer_that_never_returns_holds_up_neither_publishing_nor_the_end) {
  std::promise<void> go, inside, gone;
  // Captured by the sink, which lives as long as its thread: says when the thread has let go of everything.
  auto last_owner = std::shared_ptr<void>(nullptr, [&](void*) { gone.set_value(); });
  {
    Observers observers;
    observers.add(sink([&inside, gate = go.get_future().share(), owner = last_owner](const Event&) { inside.set_value(), gate.wait(); }));
    last_owner.reset();
    observers.publish(event("step"));
    inside.get_future().wait();
    observers.publish(event("step"));
    const ObserverReport report = observers.stop(0).at(0);
    BOOST_TEST(report.is_stuck);
    BOOST_TEST(report.num_delivered == 0U);
    BOOST_TEST(report.num_dropped == 2U);
  }
  go.set_value();
  gone.get_future().wait();
}

BOOST_AUTO_TEST_CASE(the_event_of_the_abi_says_the_same) {
  trainhost_progress progress{};
  progress.step = 7;
  const Event source{.name = "evaluation",
                     .details = {{"set", "heldout"}},
                     .metrics = {{.name = "loss", .set = "heldout", .value = 2.5, .standard_error = 0.1, .step = 7, .origin = TRAINHOST_METRIC_EVALUATION}},
                     .progress = progress,
                     .unix_ns = 99};
  bool is_called = false;
  with_c_event(source, [&](const trainhost_event& c) {
    const auto text = [](trainhost_string string) { return std::string(string.data, string.length); };
    is_called = true;
    BOOST_TEST(c.struct_size == sizeof(trainhost_event));
    BOOST_TEST(text(c.name) == "evaluation");
    BOOST_TEST(text(c.details_json) == "{\"set\":\"heldout\"}");
    BOOST_TEST(c.unix_ns == 99);
    BOOST_TEST(c.progress->step == 7U);
    BOOST_TEST_REQUIRE(c.num_metrics == 1U);
    BOOST_TEST(text(c.metrics[0].name) == "loss");
    BOOST_TEST(text(c.metrics[0].set) == "heldout");
    BOOST_TEST(c.metrics[0].value == 2.5);
    BOOST_TEST(c.metrics[0].standard_error == 0.1);
    BOOST_TEST(c.metrics[0].origin == uint32_t{TRAINHOST_METRIC_EVALUATION});
  });
  BOOST_TEST(is_called);
  with_c_event({.name = "run_start"}, [](const trainhost_event& c) {
    BOOST_TEST(c.progress == nullptr);
    BOOST_TEST(c.num_metrics == 0U);
  });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
