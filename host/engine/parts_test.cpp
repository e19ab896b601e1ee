// Small parts of the engine: standard errors, plans that cannot be carried out, device names, number formats.
#include <boost/test/unit_test.hpp>

#include <cmath>

#include <trainhost/cpp/field.hpp>

#include "engine/data_waits.h"
#include "engine/device.h"
#include "engine/evaluation.h"
#include "engine/precision.h"
#include "engine/torch_types.h"

using namespace trainhost;

namespace {

trainhost_precision_plan plain_plan() {
  trainhost_precision_plan plan{};
  plan.struct_size = sizeof plan;
  plan.compute = plan.parameter = plan.master = plan.gradient = kFloat32;
  return plan;
}

bool says(const Error& error, const std::string& words) { return std::string(error.what()).find(words) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(parts_test)

BOOST_AUTO_TEST_CASE(the_standard_error_with_equal_counts_is_that_of_a_mean) {
  // Means of the batches are 1, 2, 3, 6: standard deviation 2.1602 (n - 1), by the root of 4.
  BOOST_TEST(ratio_standard_error({10, 20, 30, 60}, {10, 10, 10, 10}) == 2.160246899469287 / 2, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(batches_that_lie_on_one_ratio_have_no_error) { BOOST_TEST(ratio_standard_error({2, 4, 12}, {1, 2, 6}) == 0.0); }

BOOST_AUTO_TEST_CASE(one_batch_has_no_standard_error) { BOOST_TEST(std::isnan(ratio_standard_error({2}, {1}))); }

BOOST_AUTO_TEST_CASE(a_language_model_has_a_perplexity_and_over_bytes_bits) {
  EvaluationResult text{{{"loss", 2.0, 0.1}, {"accuracy", 0.5, 0.01}}, 10, 1};
  add_language_metrics({{"targets", TRAINHOST_FIELD_TARGET, kUInt8, {4}, {}, 256, -1}}, text);
  BOOST_REQUIRE(text.metrics.size() == 4u);
  BOOST_TEST(text.metrics[1].name == "perplexity");
  BOOST_TEST(text.metrics[1].value == 7.38905609893065, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(text.metrics[1].standard_error == 0.738905609893065, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(text.metrics[2].name == "bits_per_byte");
  BOOST_TEST(text.metrics[2].value == 2.88539008177793, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(text.metrics[3].name == "accuracy");

  EvaluationResult words{{{"loss", 2.0, 0.1}}, 10, 1};
  add_language_metrics({{"tokens", TRAINHOST_FIELD_INPUT, kUInt8, {4}, {}, 256, -1}, {"targets", TRAINHOST_FIELD_TARGET, kInt32, {4}, {}, 256, -1}}, words);
  BOOST_TEST(words.metrics.size() == 2u);
}

BOOST_AUTO_TEST_CASE(plans_that_need_low_precision_copies_are_refused) {
  trainhost_precision_plan plan = plain_plan();
  plan.flags = TRAINHOST_PRECISION_LOW_PARAMETERS;
  plan.parameter = kBFloat16;
  BOOST_CHECK_EXCEPTION(check_plan(plan), Error, [](const Error& e) { return e.code() == ExitCode::kConfig && says(e, "keeps one copy"); });
}

BOOST_AUTO_TEST_CASE(a_plan_must_autocast_to_compute_in_another_format) {
  trainhost_precision_plan plan = plain_plan();
  plan.compute = kBFloat16;
  BOOST_CHECK_EXCEPTION(check_plan(plan), Error, [](const Error& e) { return says(e, "AUTOCAST"); });
  plan.flags = TRAINHOST_PRECISION_AUTOCAST;
  BOOST_TEST((check_plan(plan).compute == at::kBFloat16));
}

BOOST_AUTO_TEST_CASE(a_device_that_is_not_there_is_refused) {
  for (const char* name : {"cuda:99", "gpu", "cuda:x", "cuda:", ""})
    BOOST_CHECK_EXCEPTION(make_device(name), Error, [&](const Error& e) { return e.code() == ExitCode::kConfig && says(e, format("got \"{}\"", name)); });
}

BOOST_AUTO_TEST_CASE(batches_on_the_cpu_are_aligned_and_not_copied) {
  const std::unique_ptr<Device> device = make_device("cpu");
  const std::shared_ptr<std::byte> memory = device->allocate(100);
  BOOST_TEST(reinterpret_cast<uintptr_t>(memory.get()) % 64 == 0u);
  const auto batch = device->upload({{{kUInt8, {4, 5}, memory.get(), 20}}, 4, 20, memory});
  BOOST_TEST(batch->fields[0].data_ptr() == memory.get());
  BOOST_TEST(memory.use_count() == 2);
}

BOOST_AUTO_TEST_CASE(waits_for_batches_belong_to_their_window_and_are_given_once) {
  const auto device = make_device("cpu");
  DataWaits waits(*device);
  const auto wait_once = [&] {
    waits.expect();
    waits.arrive([] {});
  };
  wait_once(), wait_once(), waits.end_window(1);
  waits.arrive([] {}), waits.end_window(2);  // nobody waited for this one
  wait_once(), waits.drop_window();
  wait_once(), waits.end_window(3);
  const DataWaits::Seconds first = waits.take(1);
  BOOST_TEST(first.late >= 0);
  BOOST_TEST(first.copy >= 0);
  BOOST_TEST(std::isnan(waits.take(1).late));
  BOOST_TEST(std::isnan(waits.take(2).late));
  BOOST_TEST(waits.take(3).late >= 0);
}

BOOST_AUTO_TEST_CASE(the_cpu_reports_itself) {
  const DeviceReport report = make_device("cpu")->report();
  BOOST_TEST(report.type == "cpu");
  BOOST_TEST(!report.name.empty());
  BOOST_TEST(report.torch_version == "2.11.0");
  BOOST_TEST(report.memory_bytes > 0u);
}

BOOST_AUTO_TEST_CASE(number_formats_of_the_abi_are_those_of_safetensors) {
  BOOST_TEST(safetensors_name(scalar_type_of(kBFloat16)) == "BF16");
  BOOST_TEST(safetensors_name(scalar_type_of(kUInt8)) == "U8");
  BOOST_CHECK_THROW(scalar_type_of({77, 3, 1}), Error);
}

BOOST_AUTO_TEST_SUITE_END()
