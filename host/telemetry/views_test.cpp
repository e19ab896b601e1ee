// The words and tables that people see.
#include "telemetry/views.h"

#include <cmath>

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include "base/table.h"

namespace trainhost {
BOOST_AUTO_TEST_SUITE(views_test)

namespace {

ProgressLine whole_line() {
  ProgressLine line;
  line.step = 1240;
  line.skipped_windows = 2;
  line.max_steps = 20000;
  line.fraction = 0.062;
  line.loss = 2.9131;
  line.heldout_loss = 2.9512;
  line.learning_rate = 9.8e-4;
  line.tokens_per_second = 412'345;
  line.data_wait_ratio = 0.018;
  line.elapsed_seconds = 62;
  line.seconds_left = 7860;
  line.cost = 1.84;
  line.max_cost = 20.0;
  line.currency = "usd";
  return line;
}

struct Count {
  double count;
  const char* text;
};
std::ostream& operator<<(std::ostream& out, const Count& count) { return out << count.text; }
const Count kCounts[] = {{0, "0"},        {7, "7"},          {87.34, "87.3"}, {999.4, "999"},  {999.6, "1k"},
                         {1210, "1.21k"}, {412'345, "412k"}, {999'600, "1M"}, {1.5e9, "1.5G"}, {3e15, "3000T"}};

}  // namespace

BOOST_AUTO_TEST_CASE(the_progress_line_has_every_value_that_is_known) {
  BOOST_TEST(progress_text(whole_line(), 200) ==
             "step 1240/20000  6.2%  loss 2.9131  heldout 2.9512  lr 9.80e-04  412k tok/s  data 2%  1m02s  eta 2h11m  1.84/20.00 usd  skipped 2");
}

BOOST_AUTO_TEST_CASE(values_that_are_not_known_are_left_out_and_never_zero) {
  ProgressLine line;
  line.step = 3;
  BOOST_TEST(progress_text(line, 200) == "step 3  0ms");
}

BOOST_AUTO_TEST_CASE(a_narrow_terminal_keeps_the_fields_that_matter_most) {
  BOOST_TEST(progress_text(whole_line(), 79) == "step 1240/20000  6.2%  loss 2.9131  heldout 2.9512  eta 2h11m  1.84/20.00 usd");
  BOOST_TEST(progress_text(whole_line(), 30) == "step 1240/20000  loss 2.9131");
  BOOST_TEST(progress_text(whole_line(), 10) == "step 1240/");
  for (size_t width = 1; width < 160; ++width) BOOST_TEST(text_width(progress_text(whole_line(), width)) <= width);
}

BOOST_AUTO_TEST_CASE(loaded_plugins_are_a_table) {
  BOOST_TEST(loaded_text({{"precision_policy/amp", "1.0.0", "plugins/precision_policy-amp.so", "configs/a.toml:3:12"},
                          {"model/gpt", "1.0.0", "plugins/model-gpt.so", "--plugins"}}) ==
             "  precision_policy/amp  1.0.0  configs/a.toml:3:12  plugins/precision_policy-amp.so\n"
             "  model/gpt             1.0.0  --plugins            plugins/model-gpt.so\n");
}

BOOST_AUTO_TEST_CASE(a_plan_says_what_is_not_known) {
  PlanView plan;
  plan.num_parameters = plan.num_trainable = 802'816;
  plan.length = "600step";
  BOOST_TEST(plan_text(plan) ==
             "  parameters         802,816\n"
             "  tokens a window    not known\n"
             "  memory             not known\n"
             "  length             600step\n"
             "  expected duration  not known before the first steps\n"
             "  expected cost      not measured\n");
}

BOOST_AUTO_TEST_CASE(a_plan_shows_all_that_is_known) {
  PlanView plan;
  plan.model = "gpt: 4 layers";
  plan.device = "cpu";
  plan.precision = "fp32";
  plan.window = "4 micro-batches of 8 samples";
  plan.num_parameters = 1'000;
  plan.num_trainable = 900;
  plan.tokens_per_window = 4096;
  plan.memory_bytes = 3.5e9;
  plan.expected_seconds = 90;
  plan.expected_cost = 0.0622;
  plan.currency = "usd";
  plan.more = {{"evaluation", "heldout every 100step"}};
  const std::string text = plan_text(plan);
  for (const char* part :
       {"gpt: 4 layers", "1,000, of which 900 are trained", "4,096", "3.26 GiB", "1m30s", "0.0622 usd", "evaluation         heldout every 100step"})
    BOOST_TEST(text.find(part) != std::string::npos, part);
}

BOOST_AUTO_TEST_CASE(an_evaluation_shows_its_error_when_it_is_known) {
  const EvaluationView view{"heldout", 100, {{"loss", 2.95, 0.012}, {"accuracy", 0.41}}, 1.25, true};
  BOOST_TEST(evaluation_text(view) == "evaluation heldout at step 100: loss 2.9500 +- 0.0120 accuracy 0.4100 (1.2s, the best so far)\n");
}

BOOST_AUTO_TEST_CASE(the_end_says_who_stopped_the_run_and_why) {
  BOOST_TEST(stop_text({"600 steps are done", "max", 0, 600, 3, 91}) ==
             "  max: 600 steps are done\n  at step 600 (3 windows skipped) after 1m31s, exit code 0\n");
}

BOOST_DATA_TEST_CASE(counts_have_three_digits, kCounts) { BOOST_TEST(short_count(sample.count) == sample.text); }

BOOST_AUTO_TEST_CASE(text_of_a_model_cannot_speak_to_the_terminal) {
  BOOST_TEST(printable_text("int\tmain() {\n}") == "int\tmain() {\n}");
  BOOST_TEST(printable_text("h\xC3\xB6he \xE2\x82\xAC \xF0\x9F\x8E\x89") == "h\xC3\xB6he \xE2\x82\xAC \xF0\x9F\x8E\x89");
  BOOST_TEST(printable_text("a\x1b[2Jb") == "a\xEF\xBF\xBD[2Jb");
  BOOST_TEST(printable_text("\r\x07\x7f") == "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  BOOST_TEST(printable_text("\xC2\x9B") == "\xEF\xBF\xBD\xEF\xBF\xBD");  // C1: another way to say ESC [
  BOOST_TEST(printable_text("\xC0\xAF\xED\xA0\x80\xE2\x82").find_first_not_of("\xEF\xBF\xBD") == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
