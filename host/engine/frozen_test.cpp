// Which parameters [model] freeze takes from training, and what it says of patterns that match nothing.
#include <boost/test/unit_test.hpp>

#include <ATen/ops/zeros.h>

#include "engine/frozen.h"
#include "engine/testing/harness.h"

using namespace trainhost;
using namespace trainhost::engine_testing;

namespace {

std::vector<t2::Parameter> parameters() {
  std::vector<t2::Parameter> out;
  for (const char* name : {"transformer.wte.weight", "transformer.h.0.ln_1.weight", "transformer.h.0.ln_1.bias", "transformer.ln_f.weight"})
    out.push_back({name, at::zeros({2}), {}, true, 0});
  return out;
}

std::vector<bool> trainable_after(const std::vector<std::string>& patterns) {
  auto all = parameters();
  freeze_parameters(all, patterns);
  std::vector<bool> out;
  for (const t2::Parameter& parameter : all) out.push_back(parameter.is_trainable);
  return out;
}

auto says(std::string words) {
  return [words](const Error& error) { return error.code() == ExitCode::kConfig && std::string(error.what()).find(words) != std::string::npos; };
}

std::string bytes_of_weight(Engine& engine, size_t index) {
  const EngineState state = engine.snapshot();
  return std::string(reinterpret_cast<const char*>(state.weights[index].data), state.weights[index].bytes);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(frozen_test)

BOOST_AUTO_TEST_CASE(patterns_freeze_what_they_match_and_nothing_else) {
  BOOST_TEST(trainable_after({}) == std::vector<bool>({true, true, true, true}), boost::test_tools::per_element());
  BOOST_TEST(trainable_after({"transformer.wte.*", "*.ln_1.?ias"}) == std::vector<bool>({false, true, false, true}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_pattern_that_matches_nothing_is_refused_with_the_nearest_name) {
  BOOST_CHECK_EXCEPTION(trainable_after({"transfomer.wte.*"}), Error, says("\"transfomer.wte.*\" matches no parameter; the nearest is transformer.wte.weight"));
  BOOST_CHECK_EXCEPTION(trainable_after({"*.ln_2.bias"}), Error, says("the nearest is transformer.h.0.ln_1.bias"));
  BOOST_CHECK_EXCEPTION(trainable_after({"wte.*"}), Error, says("the nearest is transformer.wte.weight"));
  BOOST_CHECK_EXCEPTION(trainable_after({"*"}), Error, says("nothing is left to train"));
}

BOOST_AUTO_TEST_CASE(a_frozen_parameter_gets_no_gradient_and_keeps_its_bits) {
  TestRun run("cpu");
  EngineSetup setup;
  setup.plan = fp32_plan(), setup.fields = row_fields(), setup.freeze = {"weight"};
  run.engine->prepare(setup, {static_cast<t2::Model*>(&run.model), nullptr, static_cast<t2::Optimizer*>(&run.optimizer)});
  run.engine->set_learning_rates(0, std::vector<double>(64, 0.1));
  const std::string weight = bytes_of_weight(*run.engine, 0), bias = bytes_of_weight(*run.engine, 1);
  for (uint32_t i = 0; i < 5; ++i) run.run(random_rows(8, i), {3});
  BOOST_TEST(run.optimizer.gradient.size() == 3u);  // of the bias alone
  BOOST_TEST(bytes_of_weight(*run.engine, 0) == weight);
  BOOST_TEST(bytes_of_weight(*run.engine, 1) != bias);
  BOOST_TEST(run.engine->model_report().num_parameters == 15u);
  BOOST_TEST(run.engine->model_report().num_trainable == 3u);
}

BOOST_AUTO_TEST_SUITE_END()
