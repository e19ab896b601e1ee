// Publishing: one event reaches the log and every observer.
#include "telemetry/telemetry.h"

#include <unistd.h>

#include <filesystem>
#include <mutex>

#include <boost/test/unit_test.hpp>
#include <trainhost/format.hpp>

namespace trainhost {
BOOST_AUTO_TEST_SUITE(telemetry_test)

namespace {

struct Recorder final : EventSink {
  std::vector<Event>& events;
  explicit Recorder(std::vector<Event>& out) : events(out) {}
  std::string name() const override { return "observer/recorder"; }
  void on_event(const Event& event) override { events.push_back(event); }
};

}  // namespace

BOOST_AUTO_TEST_CASE(an_event_is_stamped_logged_and_observed) {
  const std::filesystem::path path = std::filesystem::temp_directory_path() / format("trainhost-telemetry-{}", ::getpid());
  std::vector<Event> seen;
  Telemetry telemetry(RunLog::open(path));
  telemetry.add_observer(std::make_unique<Recorder>(seen));
  const int64_t before = unix_nanoseconds();
  telemetry.publish({.name = "checkpoint_good", .details = {{"step", 5}, {"key", "a"}}});
  telemetry.stop();
  BOOST_TEST_REQUIRE(seen.size() == 1U);
  BOOST_TEST(seen[0].unix_ns >= before);
  const auto line = RunLog::last_line(path, "checkpoint_good").value();
  BOOST_TEST(line.at("step") == 5);
  BOOST_TEST(line.at("time") == utc_timestamp(seen[0].unix_ns));
  std::filesystem::remove(path);
}

BOOST_AUTO_TEST_CASE(a_run_without_a_log_still_has_observers) {
  std::vector<Event> seen;
  Telemetry telemetry(nullptr);
  telemetry.add_observer(std::make_unique<Recorder>(seen));
  telemetry.publish({.name = "run_end"});
  telemetry.stop();
  BOOST_TEST(seen.size() == 1U);
}

BOOST_AUTO_TEST_CASE(people_are_told_of_the_events_that_they_must_know) {
  BOOST_TEST(event_text({.name = "skipped", .details = {{"step", 9}, {"window", 12}, {"reason", "the gradient is not finite"}, {"in_a_row", 2}}}) ==
             "window 12 is no step: the gradient is not finite (2 in a row)");
  BOOST_TEST(event_text({.name = "restored", .details = {{"step", 9}, {"window", 9}, {"key", "step-9"}}}) == "resumed at step 9 (window 9) from step-9");
  BOOST_TEST(event_text({.name = "step"}) == "");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
