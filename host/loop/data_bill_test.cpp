// The bill of waiting: which stage limits, what it costs, and what more threads would bring.
#include "loop/data_bill.h"

#include <boost/test/unit_test.hpp>

using namespace trainhost;

BOOST_AUTO_TEST_SUITE(data_bill_test)

namespace {

WindowRow row(double late, double copy) {
  WindowRow row;
  row.late_batch_seconds = late, row.copy_wait_seconds = copy;
  return row;
}

// 1000 samples that took two threads 80 s, of which the host has waited 30 s.
PipelineReport decoding() {
  PipelineReport report;
  report.samples = 1000;
  report.waited = {3, 24, 3, 0};
  report.reading = {{8, 64, 8, 0}, 80, 82, 1000, 2, 4096};
  report.most_threads = 14;
  return report;
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_the_device_lost_counts_and_has_the_reasons_of_the_host) {
  DataBill bill(100);
  bill.add(row(10, 0));
  bill.add(row(10, 1));
  bill.leave_out(5);
  const DataSummary summary = bill.summary(decoding(), 146);
  BOOST_TEST(summary.seconds == 41.0);
  BOOST_TEST(summary.is_of_device);
  BOOST_TEST(summary.waited_seconds == 21.0);
  BOOST_TEST(summary.stages.decode == 16.0);
  BOOST_TEST(summary.stages.copy == 1.0);
  BOOST_TEST(std::string(summary.stages.largest()) == "decode");
  BOOST_TEST(summary.busy_ratio == 80.0 / 82);
}

// A sample takes 80 ms of a thread and is used in 20 ms: four threads read as fast as it is used.
BOOST_AUTO_TEST_CASE(more_threads_save_what_they_would_read_sooner) {
  DataBill bill(0);
  bill.add(row(20, 1));
  DataSummary summary = bill.summary(decoding(), 41);
  BOOST_TEST(summary.thread_seconds == 0.08);
  BOOST_TEST(summary.use_seconds == 0.02);
  BOOST_TEST(summary.better_threads == 4u);
  BOOST_TEST(summary.saved_seconds == 20.0);  // the copy stays
  PipelineReport few_cores = decoding();
  few_cores.most_threads = 3;
  summary = bill.summary(few_cores, 41);
  BOOST_TEST(summary.better_threads == 3u);
  BOOST_TEST(summary.saved_seconds == 20 - 1000 * (0.08 / 3 - 0.02), boost::test_tools::tolerance(1e-9));
  few_cores.most_threads = 2;
  summary = bill.summary(few_cores, 41);
  BOOST_TEST(summary.better_threads == 2u);
  BOOST_TEST(summary.saved_seconds == 0.0);
}

BOOST_AUTO_TEST_CASE(without_the_device_the_host_s_waiting_counts) {
  DataBill bill(0);
  bill.add(row(1, 0));
  bill.add(WindowRow{});
  const DataSummary summary = bill.summary(decoding(), 60);
  BOOST_TEST(!summary.is_of_device);
  BOOST_TEST(summary.waited_seconds == 30.0);
}

BOOST_AUTO_TEST_CASE(an_event_tells_what_has_been_since_the_last) {
  DataBill bill(0);
  BOOST_TEST(!bill.take_waits(decoding()).has_value());
  bill.add(row(1, 0.5));
  PipelineReport report = decoding();
  const auto first = bill.take_waits(report);
  BOOST_REQUIRE(first.has_value());
  BOOST_TEST(first->at("decode") == 24.0);
  BOOST_TEST(first->at("device_seconds") == 1.5);
  BOOST_TEST(bill.limiting_stage() == "decode");
  report.waited.read += 2;
  report.reading.available_seconds += 4;
  report.reading.busy.read += 3;
  bill.add(WindowRow{});
  const auto second = bill.take_waits(report);
  BOOST_TEST(second->at("windows") == 1u);
  BOOST_TEST(second->at("host_seconds") == 2.0);
  BOOST_TEST(second->at("device_seconds").is_null());
  BOOST_TEST(second->at("busy_ratio") == 0.75);
  BOOST_TEST(bill.limiting_stage() == "read");
}

BOOST_AUTO_TEST_CASE(people_read_one_line_with_time_money_and_remedy) {
  DataBill bill(0);
  bill.add(row(20, 1));
  const DataSummary summary = bill.summary(decoding(), 41);
  const std::string text = data_text(summary, 36, "usd");
  for (const char* part : {"21.0s of 41.0s waited (51.2 %, 0.21 usd)", ": decode limits (read 2.0s, decode 16.0s, transform 2.0s, copy 1.0s)", "; 2 threads, 98 % busy", "; 4 threads would save 20.0s, 0.2 usd"})
    BOOST_TEST(text.find(part) != std::string::npos, text);
  BOOST_TEST(data_text(summary, std::nullopt, "usd").find("usd") == std::string::npos);
  BOOST_TEST(to_json(summary, 36).at("saved_cost") == 0.2);
  BOOST_TEST(data_text(DataBill(0).summary(PipelineReport{}, 5), 36, "usd").find("more threads would save nothing") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
