// The laws of the engine on a GPU; skipped with a message where there is none.
#include <rapidcheck.h>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include <ATen/ops/zeros.h>

#include "engine/testing/harness.h"
#include "engine/testing/sync_guard.h"

#define ENGINE_TEST_DEVICE "cuda"

namespace {

boost::test_tools::assertion_result has_gpu(boost::unit_test::test_unit_id) {
  boost::test_tools::assertion_result result(trainhost::num_cuda_devices() > 0);
  result.message() << "this machine has no CUDA device";
  return result;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(laws_gpu_test, *boost::unit_test::precondition(has_gpu))
#include "engine/testing/laws.h"

BOOST_AUTO_TEST_CASE(the_guard_against_waits_works) {
  const at::Tensor value = at::zeros({1}, at::TensorOptions(at::kFloat).device(at::kCUDA));
  const SyncGuard guard(kDevice);
  BOOST_CHECK_THROW(value.item<float>(), c10::Error);
}

BOOST_AUTO_TEST_CASE(fp16_with_a_dynamic_scale_trains_beside_fp32) {
  trainhost_precision_plan plan = bf16_plan();
  plan.compute = kFloat16, plan.scale_mode = TRAINHOST_SCALE_DEVICE;
  GptRun low(kDevice, R"({"layers": 2, "heads": 2, "width": 32})", kAdamW, 1.0, plan);
  GptRun full(kDevice, R"({"layers": 2, "heads": 2, "width": 32})", kAdamW, 1.0);
  for (int i = 0; i < 5; ++i) low.run_random_window(), full.run_random_window();
  const auto a = low.engine->rows_until(5), b = full.engine->rows_until(5);
  for (size_t i = 0; i < 5; ++i) {
    BOOST_TEST(a[i].is_applied);
    BOOST_TEST(a[i].loss_scale == 65536.0);
    BOOST_TEST(a[i].gradient_norm == b[i].gradient_norm, boost::test_tools::tolerance(0.02));
  }
}

BOOST_AUTO_TEST_CASE(a_batch_that_does_not_fit_is_out_of_memory_and_a_smaller_one_then_fits) {
  GptRun run(kDevice, R"({"layers": 1, "heads": 1, "width": 8})", kAdamW, 1.0, fp32_plan(), 16, 1 << 20);
  const auto accumulate = [&](int64_t samples) {
    const std::vector<int64_t> tokens(static_cast<size_t>(samples) * 16, 3);
    run.accumulate(tokens, tokens, samples);
  };
  run.engine->begin_window(1, 1 << 20);
  BOOST_CHECK_THROW(accumulate(8192), OutOfMemory);  // logits of 512 GiB
  run.engine->abandon_window();
  run.engine->begin_window(1, 1 << 20);
  accumulate(4);
  run.engine->apply();
  BOOST_TEST(run.engine->rows_until(1).back().is_applied);
}

// Windows of three micro-batches, the last of them smaller; the sixth overflows.
std::string bytes_after_windows(const std::string& cuda_graph, const trainhost_precision_plan& plan, std::vector<double>& losses) {
  GptRun run(kDevice, R"({"layers": 2, "heads": 2, "width": 32, "dropout": 0.1})", kAdamW, 1.0, plan, 16, 50, 1, cuda_graph);
  for (uint64_t window = 1; window <= 10; ++window) {
    run.engine->begin_window(window, 160);
    for (const int64_t samples : {4, 4, 2}) {
      std::mt19937 random(static_cast<uint32_t>(window));
      std::vector<int64_t> tokens, targets;
      for (int64_t i = 0; i < 16 * samples; ++i) tokens.push_back(random() % 50), targets.push_back(window == 6 ? -1 : random() % 50);
      run.accumulate(tokens, targets, samples);
    }
    run.engine->apply();
  }
  for (const WindowRow& row : run.engine->rows_until(10)) losses.push_back(row.loss_sum);
  return bytes_of(*run.engine);
}

BOOST_AUTO_TEST_CASE(recorded_windows_have_the_bits_of_others) {
  trainhost_precision_plan low = bf16_plan();
  low.flags |= TRAINHOST_PRECISION_DETERMINISTIC;
  trainhost_precision_plan scaled = low;
  scaled.compute = kFloat16, scaled.scale_mode = TRAINHOST_SCALE_DEVICE, scaled.growth_interval = 2;
  for (const trainhost_precision_plan& plan : {fp32_plan(), low, scaled}) {
    BOOST_TEST_CONTEXT("compute format: code " << int(plan.compute.code) << ", " << int(plan.compute.bits) << " bits") {
    std::vector<double> eager_losses, losses;
    const std::string eager = bytes_after_windows("off", plan, eager_losses);
    BOOST_TEST((bytes_after_windows("on", plan, losses) == eager));
    BOOST_TEST(losses == eager_losses, boost::test_tools::per_element());
    }
  }
}

BOOST_AUTO_TEST_CASE(recorded_windows_keep_buffers_of_skipped_ones) {
  std::vector<std::string> states;
  for (const char* mode : {"off", "on"}) {
    TestRun run(kDevice, mode);
    run.optimizer.keeps_gradient = false;
    run.prepare();
    for (uint32_t i = 0; i < 8; ++i) run.run(i == 5 ? poisoned(random_rows(16, i), INFINITY) : random_rows(16, i), {8});
    states.push_back(bytes_of(*run.engine));
  }
  BOOST_TEST((states[0] == states[1]));
}

BOOST_AUTO_TEST_CASE(a_model_that_waits_for_the_device_trains_without_recordings) {
  std::vector<std::string> states;
  for (const char* mode : {"off", "auto"}) {
    TestRun run(kDevice, mode);
    run.model.waits = true, run.model.dropout = 0.1, run.optimizer.keeps_gradient = false;
    run.prepare();
    for (uint32_t i = 0; i < 6; ++i) run.run(random_rows(16, i), {8});
    states.push_back(bytes_of(*run.engine));
  }
  BOOST_TEST((states[0] == states[1]));
  TestRun run(kDevice, "on");
  run.model.waits = true, run.optimizer.keeps_gradient = false;
  run.prepare();
  const auto train = [&] { for (uint32_t i = 0; i < 6; ++i) run.run(random_rows(16, i), {8}); };
  BOOST_CHECK_EXCEPTION(train(), Error, [](const Error& error) {
    const std::string text = error.what();
    return text.find("aten::") != std::string::npos && text.find("cannot be recorded") != std::string::npos && text.find("cuda_graph") != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(an_abandoned_window_leaves_no_trace_between_recorded_ones) {
  std::vector<std::string> states;
  for (const bool abandons : {false, true}) {
    GptRun run(kDevice, R"({"layers": 1, "heads": 2, "width": 32, "dropout": 0.1})", kAdamW, 1.0, fp32_plan(), 16, 50, 1, "on");
    for (int i = 0; i < 8; ++i) {
      if (abandons && (i == 2 || i == 5)) {
        run.engine->begin_window(run.window + 1, 64);
        run.accumulate(std::vector<int64_t>(64, 3), std::vector<int64_t>(64, 4), 4);
        run.engine->abandon_window();
      }
      run.run_random_window();
    }
    states.push_back(bytes_of(*run.engine));
  }
  BOOST_TEST((states[0] == states[1]));
}

// Kernels that run so long that what a recording does to the generator would overtake them.
BOOST_AUTO_TEST_CASE(dropout_of_a_large_network_is_the_same_in_recordings) {
  std::vector<std::string> states;
  for (const char* mode : {"off", "on"}) {
    GptRun run(kDevice, R"({"layers": 2, "heads": 12, "width": 768, "dropout": 0.1})", kAdamW, 1.0, fp32_plan(), 1024, 50, 1, mode);
    for (int i = 0; i < 5; ++i) run.run_random_window(1024);
    states.push_back(bytes_of(*run.engine));
  }
  BOOST_TEST((states[0] == states[1]));
}

BOOST_AUTO_TEST_CASE(blocks_that_are_computed_again_are_recorded_unless_they_draw) {
  const auto trained = [](const char* dropout, const char* mode, bool recomputes) {
    GptRun run(kDevice, std::string(R"({"layers": 2, "heads": 2, "width": 32, "dropout": )") + dropout + "}", kAdamW, 1.0, fp32_plan(), 16, 50, 1, mode, recomputes);
    for (int i = 0; i < 6; ++i) run.run_random_window();
    return bytes_of(*run.engine);
  };
  BOOST_TEST((trained("0.0", "on", true) == trained("0.0", "off", false)));
  BOOST_TEST((trained("0.1", "auto", true) == trained("0.1", "off", false)));
  BOOST_CHECK_EXCEPTION(trained("0.1", "on", true), Error, [](const Error& error) { return std::string(error.what()).find("draw anew in a recording") != std::string::npos; });
}

BOOST_AUTO_TEST_CASE(the_gpu_trains_as_the_cpu_does) {
  GptRun gpu(kDevice, R"({"layers": 2, "heads": 2, "width": 32})", kAdamW, 1.0);
  GptRun cpu("cpu", R"({"layers": 2, "heads": 2, "width": 32})", kAdamW, 1.0);
  for (int i = 0; i < 10; ++i) gpu.run_random_window(), cpu.run_random_window();
  const auto a = gpu.engine->rows_until(10), b = cpu.engine->rows_until(10);
  for (size_t i = 0; i < 10; ++i) BOOST_TEST(std::abs(a[i].loss_sum / a[i].count - b[i].loss_sum / b[i].count) < 1e-4);
}

BOOST_AUTO_TEST_CASE(host_memory_may_be_dropped_right_after_the_upload) {
  const std::unique_ptr<Engine> engine = make_engine(kDevice);
  std::vector<std::unique_ptr<DeviceBatch>> batches;
  for (int64_t i = 0; i < 50; ++i) {
    const std::vector<int64_t> values(1 << 16, i);
    batches.push_back(engine->upload(make_host_batch(*engine, {{kInt64, {1 << 16}, values.data()}}, 0)));
  }
  for (int64_t i = 0; i < 50; ++i) {
    const at::Tensor values = static_cast<TorchBatch&>(*batches[static_cast<size_t>(i)]).fields[0].cpu();
    BOOST_TEST(values.eq(i).all().item<bool>());
  }
}
BOOST_AUTO_TEST_SUITE_END()
