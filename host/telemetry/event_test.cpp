// Events with metrics, and the documented list.
#include "telemetry/event.h"

#include <cmath>
#include <set>

#include <boost/test/unit_test.hpp>

#include "telemetry/run_log.h"

namespace trainhost {
BOOST_AUTO_TEST_SUITE(event_test)

namespace {

trainhost_progress progress_at(uint64_t step) {
  const double unknown = std::nan("");
  trainhost_progress progress{};
  progress.struct_size = sizeof progress;
  progress.step = step;
  progress.windows = step + 2;
  progress.skipped_windows = 1;
  progress.loss = 2.5;
  progress.learning_rate = 1e-3;
  progress.seconds = 12;
  progress.fraction = progress.cost = progress.energy_kwh = progress.loss_scale = progress.loss_ema = progress.gradient_norm = unknown;
  return progress;
}

nlohmann::json line_of(const Event& event) { return nlohmann::json::parse(log_line_text(event, 0)); }

}  // namespace

BOOST_AUTO_TEST_CASE(a_step_event_is_as_documented_and_has_no_value_that_was_not_measured) {
  const Event event = step_event(progress_at(10), {.tokens_per_second = 1000}, std::vector<Metric>{{.name = "accuracy", .set = "", .value = 0.5, .step = 10}});
  const nlohmann::json line = line_of(event);
  BOOST_TEST(check_log_line(line) == "");
  BOOST_TEST(line.at("loss") == 2.5);
  BOOST_TEST(line.at("cost").is_null());
  BOOST_TEST(line.at("gradient_norm").is_null());
  BOOST_TEST(line.at("metrics").at("accuracy") == 0.5);

  std::set<std::string> names;
  for (const Metric& metric : event.metrics) names.insert(metric.name);
  BOOST_TEST((names == std::set<std::string>{"loss", "learning_rate", "tokens_per_second", "seconds", "accuracy"}));
}

BOOST_AUTO_TEST_CASE(a_loss_that_is_not_finite_is_null_in_the_log_and_itself_in_the_metric) {
  trainhost_progress progress = progress_at(3);
  progress.loss = INFINITY;
  const Event event = step_event(progress, {});
  BOOST_TEST(line_of(event).at("loss").is_null());
  BOOST_TEST(std::isinf(event.metrics.at(0).value));
}

BOOST_AUTO_TEST_CASE(an_evaluation_event_is_as_documented) {
  const nlohmann::json line =
      line_of(evaluation_event(progress_at(10), {.name = "loss", .set = "heldout", .value = 2.9, .step = 10, .origin = TRAINHOST_METRIC_EVALUATION}));
  BOOST_TEST(check_log_line(line) == "");
  BOOST_TEST(line.at("set") == "heldout");
  BOOST_TEST(line.at("standard_error").is_null());
}

BOOST_AUTO_TEST_CASE(a_slow_call_is_as_documented) {
  const nlohmann::json line = line_of(slow_call_event("stopping_rule/slow", "check", 1.5));
  BOOST_TEST(check_log_line(line) == "");
  BOOST_TEST(line.at("plugin") == "stopping_rule/slow");
  BOOST_TEST(line.at("function") == "check");
  BOOST_TEST(line.at("seconds") == 1.5);
}

BOOST_AUTO_TEST_CASE(names_in_the_list_are_unique_and_explained) {
  std::set<std::string_view> names;
  for (const EventKind& kind : event_kinds()) {
    BOOST_TEST(names.insert(kind.name).second);
    BOOST_TEST(!kind.meaning.empty());
    std::set<std::string_view> fields{"v", "seq", "time", "event"};
    for (const EventField& field : kind.fields) {
      BOOST_TEST(fields.insert(field.name).second);
      BOOST_TEST(!field.meaning.empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(the_list_is_a_table_for_the_docs) {
  const std::string text = event_list_markdown();
  BOOST_TEST(text.find("| `checkpoint_good` | | | verified, and healthy windows followed |\n| | `step` | integer | applied updates so far |\n") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_line_that_leaves_the_list_is_named) {
  const nlohmann::json good = line_of({.name = "checkpoint_good", .details = {{"step", 1}, {"key", "step-1"}}});
  BOOST_TEST(check_log_line(good) == "");
  auto with = [&](const char* key, nlohmann::json value) {
    nlohmann::json line = good;
    line[key] = std::move(value);
    return check_log_line(line);
  };
  BOOST_TEST(with("event", "party") == "event \"party\" is not in the documented list");
  BOOST_TEST(with("step", "one") == "event \"checkpoint_good\": field \"step\" is \"one\", wanted integer");
  BOOST_TEST(with("color", 1) == "event \"checkpoint_good\": field \"color\" is not in the documented list");
  nlohmann::json line = good;
  line.erase("key");
  BOOST_TEST(check_log_line(line) == "event \"checkpoint_good\" lacks the field \"key\"");
  BOOST_TEST(check_log_line(nlohmann::json::array()) == "a line is one JSON object");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
