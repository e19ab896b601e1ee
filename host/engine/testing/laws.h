// The laws of the engine as test cases over ENGINE_TEST_DEVICE. Included inside of a suite by the CPU's and the GPU's test file, after harness.h.
using namespace trainhost;
using namespace trainhost::engine_testing;

namespace {

const std::string kDevice = ENGINE_TEST_DEVICE;

std::vector<float> gradient_of_cut(const Rows& rows, const std::vector<size_t>& cuts) {
  TestRun run(kDevice);
  run.prepare();
  run.run(rows, cuts);
  return run.optimizer.gradient;
}

Rows poisoned(Rows rows, float value) {
  rows.x[5] = value;
  return rows;
}

const std::string kGpt = R"({"layers": 2, "heads": 2, "width": 32, "dropout": 0.1})";
const std::string kAdamW = R"({"learning_rate": 0.003})";

}  // namespace

BOOST_AUTO_TEST_CASE(any_cut_into_micro_batches_gives_the_same_gradient) {
  const bool holds = rc::check([] {
    const auto pieces = *rc::gen::resize(12, rc::gen::nonEmpty(rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(1, 9))));
    std::vector<size_t> ends(pieces.size());
    std::partial_sum(pieces.begin(), pieces.end(), ends.begin());
    Rows rows = random_rows(ends.back(), *rc::gen::inRange<uint32_t>(0, 1000), 0);
    const auto is_ignored = *rc::gen::container<std::vector<bool>>(rows.size(), rc::gen::arbitrary<bool>());
    RC_PRE(std::find(is_ignored.begin(), is_ignored.end(), false) != is_ignored.end());
    for (size_t i = 0; i < rows.size(); ++i)
      if (is_ignored[i]) rows.y[i] = -1;
    ends.pop_back();
    RC_ASSERT(relative_difference(gradient_of_cut(rows, ends), gradient_of_cut(rows, {})) <= 1e-6);
  });
  BOOST_TEST(holds);
}

BOOST_AUTO_TEST_CASE(rows_say_what_happened_in_the_window) {
  TestRun run(kDevice);
  run.prepare();
  const Rows rows = random_rows(32, 3);
  run.run(rows, {10});
  const WindowRow row = run.last_row();
  BOOST_TEST(row.window == 1u);
  BOOST_TEST(row.step == 1u);
  BOOST_TEST(row.is_applied);
  BOOST_TEST(row.count == static_cast<double>(std::count_if(rows.y.begin(), rows.y.end(), [](int64_t y) { return y != -1; })));
  BOOST_TEST(row.learning_rate == 0.1);
  BOOST_TEST(row.loss_scale == 1.0);
  BOOST_REQUIRE(row.metrics.size() == 1u);
  BOOST_TEST(run.engine->metric_names().at(0) == "accuracy");
  double squares = 0;
  for (const float g : run.optimizer.gradient) squares += double(g) * g;
  BOOST_TEST(row.gradient_norm == std::sqrt(squares), boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(clipping_bounds_the_update_and_reports_the_norm_before_it) {
  TestRun free(kDevice), clipped(kDevice);
  free.prepare();
  clipped.prepare(0.01);
  const Rows rows = random_rows(32, 3);
  free.run(rows);
  clipped.run(rows);
  BOOST_TEST(clipped.last_row().gradient_norm == free.last_row().gradient_norm);
  double squares = 0;
  for (const float g : clipped.optimizer.gradient) squares += double(g) * g;
  BOOST_TEST(std::sqrt(squares) == 0.01, boost::test_tools::tolerance(1e-3));
}

BOOST_AUTO_TEST_CASE(a_window_with_a_non_finite_value_changes_nothing) {
  for (const float value : {std::nanf(""), INFINITY}) {
    TestRun run(kDevice);
    run.prepare();
    run.run(random_rows(16, 1));
    const std::string before = bytes_of(*run.engine, false);
    run.run(poisoned(random_rows(16, 2), value), {8});
    const WindowRow row = run.last_row();
    BOOST_TEST(!row.is_applied);
    BOOST_TEST(row.step == 1u);
    BOOST_TEST((bytes_of(*run.engine, false) == before));
    run.run(random_rows(16, 3));
    BOOST_TEST(run.last_row().step == 2u);
  }
}

BOOST_AUTO_TEST_CASE(a_window_that_overflows_under_autocast_changes_nothing) {
  GptRun run(kDevice, kGpt, kAdamW, 1.0, bf16_plan());
  run.run_random_window();
  SavedState broken(*run.engine);
  const float infinity = INFINITY;
  std::memcpy(broken.bytes.front().data(), &infinity, sizeof infinity);  // a weight
  broken.restore(*run.engine);
  const std::string before = bytes_of(*run.engine, false);
  run.run_random_window();
  const WindowRow row = run.engine->rows_until(run.window).back();
  BOOST_TEST(!row.is_applied);
  BOOST_TEST(!std::isfinite(row.loss_sum));
  BOOST_TEST((bytes_of(*run.engine, false) == before));
}

BOOST_AUTO_TEST_CASE(adamw_leaves_every_byte_of_a_skipped_window) {
  GptRun run(kDevice, kGpt, kAdamW, 1.0);
  run.run_random_window();
  const std::string before = bytes_of(*run.engine, false);
  run.engine->begin_window(++run.window, 64);
  run.accumulate(std::vector<int64_t>(64, 3), std::vector<int64_t>(64, -1), 4);  // no target counts
  run.engine->apply();
  const WindowRow row = run.engine->rows_until(run.window).back();
  BOOST_TEST(!row.is_applied);
  BOOST_TEST(row.count == 0.0);
  BOOST_TEST((bytes_of(*run.engine, false) == before));
}

BOOST_AUTO_TEST_CASE(a_copy_of_the_state_is_of_its_moment_while_training_goes_on) {
  GptRun run(kDevice, kGpt, kAdamW, 1.0);
  run.engine->prepare_copies();
  for (int i = 0; i < 3; ++i) {
    run.run_random_window();
    const std::string before = bytes_of(*run.engine);
    const std::unique_ptr<StateCopy> copy = run.engine->copy_state();
    run.run_random_window();
    run.run_random_window();
    copy->wait();
    BOOST_TEST((bytes_of(copy->state()) == before));
    BOOST_TEST((bytes_of(*run.engine) != before));
    BOOST_TEST(copy->seconds() > 0.0);
  }
}

BOOST_AUTO_TEST_CASE(a_copy_that_is_in_use_keeps_its_arena) {
  GptRun run(kDevice, kGpt, kAdamW, 1.0);
  run.run_random_window();
  std::unique_ptr<StateCopy> copy = run.engine->copy_state();
  BOOST_CHECK_THROW(run.engine->copy_state(), Error);
  copy.reset();
  BOOST_CHECK_NO_THROW(run.engine->copy_state());
}

BOOST_AUTO_TEST_CASE(the_loss_scale_halves_on_overflow_and_grows_after_clean_windows) {
  trainhost_precision_plan plan = fp32_plan();
  plan.scale_mode = TRAINHOST_SCALE_DEVICE;
  plan.growth_interval = 2;
  TestRun run(kDevice);
  run.prepare(0, plan);
  const Rows good = random_rows(16, 1);
  std::vector<double> scales;
  for (const bool is_bad : {false, true, false, false, false}) {
    run.run(is_bad ? poisoned(good, INFINITY) : good);
    scales.push_back(run.last_row().loss_scale);
  }
  BOOST_TEST(scales == (std::vector<double>{65536, 65536, 32768, 32768, 65536}), boost::test_tools::per_element());
  TestRun unscaled(kDevice);
  unscaled.prepare();
  unscaled.run(good);
  run.engine->set_learning_rates(0, std::vector<double>(64, 0.0));
  TestRun scaled(kDevice);
  scaled.prepare(0, plan);
  scaled.run(good);
  BOOST_TEST((scaled.optimizer.gradient == unscaled.optimizer.gradient));  // powers of two change no digit
}

BOOST_AUTO_TEST_CASE(a_restored_run_goes_on_with_the_scale_and_its_count) {
  trainhost_precision_plan plan = fp32_plan();
  plan.scale_mode = TRAINHOST_SCALE_DEVICE;
  plan.growth_interval = 3;
  const Rows good = random_rows(16, 1);
  const auto scale_after = [&](TestRun& run, bool is_bad) {
    run.run(is_bad ? poisoned(good, INFINITY) : good);
    return run.last_row().loss_scale;
  };
  TestRun straight(kDevice);
  straight.prepare(0, plan);
  for (const bool is_bad : {true, false, false}) scale_after(straight, is_bad);  // halved once, two of three clean windows counted
  const SavedState saved(*straight.engine);
  TestRun resumed(kDevice);
  resumed.prepare(0, plan);
  saved.restore(*resumed.engine);
  for (const double scale : {32768.0, 65536.0, 65536.0}) {
    BOOST_TEST(scale_after(straight, false) == scale);
    BOOST_TEST(scale_after(resumed, false) == scale);
  }
}

BOOST_AUTO_TEST_CASE(the_scale_stays_within_its_limits) {
  trainhost_precision_plan plan = fp32_plan();
  plan.scale_mode = TRAINHOST_SCALE_DEVICE;
  plan.initial_scale = 2, plan.min_scale = 1, plan.max_scale = 4, plan.growth_interval = 1;
  TestRun run(kDevice);
  run.prepare(0, plan);
  std::vector<double> scales;
  for (const bool is_bad : {true, true, true, false, false, false, false}) {
    run.run(is_bad ? poisoned(random_rows(16, 1), INFINITY) : random_rows(16, 1));
    scales.push_back(run.last_row().loss_scale);
  }
  BOOST_TEST(scales == (std::vector<double>{2, 1, 1, 1, 2, 4, 4}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(rates_follow_applied_steps_and_not_windows) {
  TestRun run(kDevice);
  run.prepare();
  run.engine->set_learning_rates(0, std::vector<double>{0.5, 0.25, 0.125, 0.0625});
  std::vector<double> rates;
  for (const bool is_bad : {false, true, true, false, false}) {
    run.run(is_bad ? poisoned(random_rows(16, 1), INFINITY) : random_rows(16, 1));
    rates.push_back(run.last_row().learning_rate);
  }
  BOOST_TEST(rates == (std::vector<double>{0.5, 0.25, 0.25, 0.25, 0.125}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_missing_rate_is_an_error_that_says_so) {
  TestRun run(kDevice);
  run.prepare();
  run.engine->set_learning_rates(1000, std::vector<double>{0.5});
  BOOST_CHECK_EXCEPTION(run.run(random_rows(8, 1)), Error, [](const Error& e) { return std::string(e.what()).find("learning rates are set for steps 1000 to 1000") != std::string::npos; });
}

BOOST_AUTO_TEST_CASE(a_restored_run_equals_one_that_was_never_interrupted_bit_for_bit) {
  GptRun straight(kDevice, kGpt, kAdamW, 1.0);
  for (int i = 0; i < 6; ++i) straight.run_random_window();
  GptRun first(kDevice, kGpt, kAdamW, 1.0);
  for (int i = 0; i < 3; ++i) first.run_random_window();
  const SavedState saved(*first.engine);
  GptRun second(kDevice, kGpt, kAdamW, 1.0, fp32_plan(), 16, 50, /*seed=*/99);
  saved.restore(*second.engine);
  second.window = 3;
  BOOST_TEST(second.engine->applied_steps() == 3u);
  for (int i = 0; i < 3; ++i) second.run_random_window();
  // Before bytes_of: both engines draw from the generators of the process.
  BOOST_TEST((bytes_of(*second.engine, false) == bytes_of(*straight.engine, false)));
  const auto rows = straight.engine->rows_until(6), resumed = second.engine->rows_until(6);
  for (size_t i = 0; i < 3; ++i) BOOST_TEST(resumed[i].loss_sum == rows[i + 3].loss_sum);
}

BOOST_AUTO_TEST_CASE(an_abandoned_window_leaves_no_trace) {
  const auto run_with = [](bool is_abandoned) {
    TestRun run(kDevice);
    run.model.dropout = 0.5;
    run.prepare();
    run.run(random_rows(16, 1));
    if (is_abandoned) {
      run.engine->begin_window(2, 16);
      run.accumulate(random_rows(16, 5));
      run.engine->abandon_window();
    }
    run.run(random_rows(16, 2));
    return bytes_of(*run.engine);
  };
  BOOST_TEST((run_with(true) == run_with(false)));
}

BOOST_AUTO_TEST_CASE(evaluation_leaves_training_as_it_was) {
  const auto run_with = [](bool is_evaluated) {
    TestRun run(kDevice);
    run.model.dropout = 0.5;
    run.prepare();
    run.run(random_rows(16, 1));
    if (is_evaluated) {
      run.engine->begin_evaluation();
      run.engine->evaluate(*upload_rows(*run.engine, random_rows(16, 5)));
      run.engine->finish_evaluation();
    }
    run.run(random_rows(16, 2));
    return bytes_of(*run.engine);
  };
  BOOST_TEST((run_with(true) == run_with(false)));
}

BOOST_AUTO_TEST_CASE(evaluation_is_the_mean_over_targets_whatever_the_batches) {
  TestRun run(kDevice);
  run.prepare();
  const Rows rows = random_rows(64, 9);
  const auto evaluate = [&](size_t samples) {
    run.engine->begin_evaluation();
    for (size_t i = 0; i < rows.size(); i += samples) run.engine->evaluate(*upload_rows(*run.engine, rows.part(i, std::min(rows.size(), i + samples))));
    return run.engine->finish_evaluation();
  };
  const EvaluationResult one = evaluate(64), many = evaluate(10);
  BOOST_TEST(one.metrics[0].name == "loss");
  BOOST_TEST(one.metrics[0].value == many.metrics[0].value, boost::test_tools::tolerance(1e-6));
  BOOST_TEST(one.metrics[1].value == many.metrics[1].value, boost::test_tools::tolerance(1e-6));
  BOOST_TEST(std::isnan(one.metrics[0].standard_error));
  BOOST_TEST(many.metrics[0].standard_error > 0);
  BOOST_TEST(many.samples == 64u);
}

BOOST_AUTO_TEST_CASE(out_of_memory_is_retried_in_smaller_pieces_with_the_same_result) {
  TestRun small(kDevice), straight(kDevice);
  small.prepare();
  straight.prepare();
  const Rows rows = random_rows(16, 1);
  small.model.max_samples = 8;
  small.engine->begin_window(1, 16);
  BOOST_CHECK_EXCEPTION(small.accumulate(rows), OutOfMemory, [](const OutOfMemory& e) { return std::string(e.what()).find("16 samples") != std::string::npos; });
  small.engine->abandon_window();
  small.run(rows, {8});
  straight.run(rows, {8});
  BOOST_TEST((bytes_of(*small.engine) == bytes_of(*straight.engine)));
}

BOOST_AUTO_TEST_CASE(windows_wait_for_nothing) {
  GptRun run(kDevice, kGpt, kAdamW, 1.0);
  for (int i = 0; i < 3; ++i) run.run_random_window();
  const uint64_t before = run.engine->num_host_waits();
  {
    const SyncGuard guard(kDevice);  // on a GPU every wait inside of LibTorch throws
    for (int i = 0; i < 10; ++i) {
      run.engine->set_learning_rates(run.window, std::vector<double>(32, 0.001));
      run.run_random_window();
    }
  }
  BOOST_TEST(run.engine->num_host_waits() == before);
  BOOST_TEST(run.engine->rows_until(run.window).size() == 13u);
}

BOOST_AUTO_TEST_CASE(a_ring_smaller_than_the_lag_still_loses_no_row) {
  TestRun run(kDevice);
  EngineSetup setup;
  setup.plan = fp32_plan(), setup.fields = row_fields(), setup.metric_ring = 2;
  run.engine->prepare(setup, {static_cast<t2::Model*>(&run.model), nullptr, static_cast<t2::Optimizer*>(&run.optimizer)});
  run.engine->set_learning_rates(0, std::vector<double>(64, 0.1));
  for (int i = 0; i < 5; ++i) run.run(random_rows(8, 1));
  BOOST_TEST(run.engine->rows_until(3).size() == 3u);
  BOOST_TEST(run.engine->rows_until(5).size() == 2u);
  BOOST_TEST(run.engine->rows_until(5).empty());
}

BOOST_AUTO_TEST_CASE(a_foreign_checkpoint_is_refused_and_changes_nothing) {
  GptRun run(kDevice, kGpt, kAdamW, 1.0);
  run.run_random_window();
  SavedState saved(*run.engine);
  const std::string before = bytes_of(*run.engine);
  saved.state.optimizer.pop_back();
  BOOST_CHECK_EXCEPTION(saved.restore(*run.engine), Error, [](const Error& e) {
    return e.code() == ExitCode::kCheckpointUnreadable && std::string(e.what()).find("optimizer.transformer.ln_f.bias.exp_avg_sq: got no such tensor") != std::string::npos;
  });
  SavedState reshaped(*run.engine);
  reshaped.state.weights[0].shape = {1, 50 * 32};
  BOOST_CHECK_EXCEPTION(reshaped.restore(*run.engine), Error, [](const Error& e) { return std::string(e.what()).find("transformer.wte.weight: got F32 [1, 1600], wanted F32 [50, 32]") != std::string::npos; });
  BOOST_TEST((bytes_of(*run.engine) == before));
}

BOOST_AUTO_TEST_CASE(sampling_repeats_with_its_seed_and_disturbs_nothing) {
  GptRun run(kDevice, kGpt, kAdamW, 1.0);
  run.run_random_window();
  const std::string before = bytes_of(*run.engine);
  const auto sample = [&](double temperature, uint64_t top_k, uint64_t seed) {
    std::vector<int64_t> out;
    run.engine->sample({1, 2, 3}, 20, temperature, top_k, seed, [&](int64_t token) { return out.push_back(token), true; });
    return out;
  };
  BOOST_TEST(sample(1, 0, 5) == sample(1, 0, 5), boost::test_tools::per_element());
  BOOST_TEST((sample(1, 0, 5) != sample(1, 0, 6)));
  BOOST_TEST(sample(0, 0, 1) == sample(1, 1, 2), boost::test_tools::per_element());
  BOOST_TEST(sample(1, 0, 5).size() == 20u);
  BOOST_TEST((bytes_of(*run.engine) == before));
}

BOOST_AUTO_TEST_CASE(two_strict_runs_are_bit_identical) {
  const auto run_once = [] {
    GptRun run(kDevice, kGpt, kAdamW, 1.0);
    for (int i = 0; i < 5; ++i) run.run_random_window();
    return bytes_of(*run.engine);
  };
  BOOST_TEST((run_once() == run_once()));
}

BOOST_AUTO_TEST_CASE(autocast_trains_beside_fp32) {
  GptRun low(kDevice, R"({"layers": 2, "heads": 2, "width": 32})", kAdamW, 1.0, bf16_plan());
  GptRun full(kDevice, R"({"layers": 2, "heads": 2, "width": 32})", kAdamW, 1.0);
  for (int i = 0; i < 5; ++i) low.run_random_window(), full.run_random_window();
  const auto a = low.engine->rows_until(5), b = full.engine->rows_until(5);
  for (size_t i = 0; i < 5; ++i) {
    BOOST_TEST(a[i].is_applied);
    BOOST_TEST(std::abs(a[i].loss_sum / a[i].count - b[i].loss_sum / b[i].count) < 0.02);
    BOOST_TEST(a[i].loss_sum != b[i].loss_sum);
  }
}
