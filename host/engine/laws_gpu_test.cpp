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
