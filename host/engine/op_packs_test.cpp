// Op packs in the engine: reached while they are registered, gone afterwards, refused when they do not fit.
#include <boost/test/unit_test.hpp>

#include <ATen/ops/empty_like.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/tensor.h>

#include <trainhost/torch/op_pack.h>

#include "engine/testing/harness.h"

using namespace trainhost;
using namespace trainhost::engine_testing;

namespace {

const std::string kGpt = R"({"layers": 2, "heads": 2, "width": 32})";
const std::string kAdamW = R"({"learning_rate": 0.003})";
constexpr uint64_t kGelusOfTwoWindows = 2 * 2 * 2;  // windows, micro-batches, layers

trainhost_precision_plan loose_plan() {
  trainhost_precision_plan plan = fp32_plan();
  plan.flags = 0;
  return plan;
}

// ---- a pack of this file

at::Tensor twice_gelu(const at::Tensor& self, c10::string_view approximate) {
  at::Tensor out = at::empty_like(self);
  at::gelu_out(out, self, approximate);  // another overload, which is not replaced
  return out.mul_(2);
}
at::Tensor thrice_gelu(const at::Tensor& self, c10::string_view approximate) { return twice_gelu(self, approximate).mul(1.5); }
at::Tensor no_gelu(const at::Tensor& self) { return self; }

class TestPack final : public t2::OpPack {
 public:
  explicit TestPack(std::vector<t2::OpReplacement> replacements) : replacements_(std::move(replacements)) {}
  std::span<const t2::OpReplacement> replacements() override { return replacements_; }

 private:
  std::vector<t2::OpReplacement> replacements_;
};

t2::OpReplacement twice(const std::string& op = "aten::gelu", const std::string& overload = "", const std::string& key = "CPU") {
  return t2::replacement<&twice_gelu>(op, overload, key);
}

// ---- registering

struct Packs {
  std::vector<std::unique_ptr<TestPack>> objects;
  OpPackSetup setup;
  std::unique_ptr<Engine> engine = make_engine("cpu");

  Packs& add(const std::string& name, std::vector<t2::OpReplacement> replacements) {
    objects.push_back(std::make_unique<TestPack>(std::move(replacements)));
    setup.packs.push_back({"op_pack/" + name, static_cast<t2::OpPack*>(objects.back().get())});
    return *this;
  }
  std::unique_ptr<RegisteredOps> registered(const trainhost_precision_plan& plan = loose_plan()) { return engine->register_op_packs(setup, plan); }
};

// Fails with this exit code and all of these words, and leaves nothing behind.
void check_refused(Packs& packs, ExitCode code, const std::vector<std::string>& words, const trainhost_precision_plan& plan = loose_plan()) {
  const at::Tensor x = at::tensor({0.5f, -1.0f});
  const at::Tensor before = at::gelu(x);
  BOOST_CHECK_EXCEPTION(packs.registered(plan), Error, [&](const Error& error) {
    for (const std::string& word : words) BOOST_TEST(std::string(error.what()).find(word) != std::string::npos, error.what() << " has no " << word);
    return error.code() == code;
  });
  BOOST_TEST(at::gelu(x).equal(before));
}

// ---- the pack `counting` of the tests' plugin file

struct Counting {
  testing::PluginUnderTest plugin;
  std::unique_ptr<Engine> engine = make_engine("cpu");
  std::unique_ptr<RegisteredOps> ops;

  explicit Counting(const std::string& config = "{}", const trainhost_precision_plan& plan = fp32_plan())
      : plugin("counting", test_plugin("op_pack-counting.so")) {
    plugin.create(config).start();
    OpPackSetup setup;
    setup.packs.push_back({"op_pack/counting", plugin.c()->get_interface(plugin.c(), t2::OpPack::kInterface)});
    ops = engine->register_op_packs(setup, plan);
  }
  // How often it was called; takes it back first.
  std::string report() {
    ops.reset();
    plugin.stop();
    return plugin.host.log().back().text;
  }
};

std::string bytes_of_two_windows(const trainhost_precision_plan& plan = fp32_plan()) {
  GptRun run("cpu", kGpt, kAdamW, 1.0, plan);
  run.run_random_window();
  run.run_random_window();
  return bytes_of(*run.engine);
}

class RecordingMeter final : public CallMeter {
 public:
  std::vector<std::pair<char, uint32_t>> calls;
  uint32_t open_account(const std::string&) override { return 0; }
  void enter(uint32_t account, const char*) override { calls.emplace_back('(', account); }
  void leave(uint32_t account) override { calls.emplace_back(')', account); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(op_packs_test)

BOOST_AUTO_TEST_CASE(a_pack_with_an_autograd_function_is_reached_in_both_directions_and_changes_no_bit) {
  const std::string own = bytes_of_two_windows();
  Counting counting;
  BOOST_TEST((bytes_of_two_windows() == own));
  BOOST_TEST(counting.report() == format("called {} times forward, {} times backward", kGelusOfTwoWindows, kGelusOfTwoWindows));
}

BOOST_AUTO_TEST_CASE(a_pack_with_other_values_changes_the_run_and_is_gone_afterwards) {
  const std::string own = bytes_of_two_windows();
  Counting counting(R"({"factor": 1.25})");
  BOOST_TEST((bytes_of_two_windows() != own));
  counting.ops.reset();
  BOOST_TEST((bytes_of_two_windows() == own));
  BOOST_TEST(counting.report() == format("called {} times forward, {} times backward", kGelusOfTwoWindows, kGelusOfTwoWindows));
}

BOOST_AUTO_TEST_CASE(a_pack_is_reached_under_autocast) {
  const std::string own = bytes_of_two_windows(bf16_plan());
  Counting counting("{}", bf16_plan());
  BOOST_TEST((bytes_of_two_windows(bf16_plan()) == own));
  BOOST_TEST(counting.report() == format("called {} times forward, {} times backward", kGelusOfTwoWindows, kGelusOfTwoWindows));
}

BOOST_AUTO_TEST_CASE(kernels_below_autograd_are_reached_and_taken_back) {
  const at::Tensor x = at::tensor({0.5f, -1.0f});
  const at::Tensor own = at::gelu(x);
  Packs packs;
  auto ops = packs.add("twice", {twice()}).registered();
  BOOST_TEST(at::gelu(x).equal(own.mul(2)));
  BOOST_TEST(ops->descriptions() == std::vector<std::string>{"op_pack/twice: aten::gelu on CPU"}, boost::test_tools::per_element());
  ops.reset();
  BOOST_TEST(at::gelu(x).equal(own));
}

BOOST_AUTO_TEST_CASE(what_a_kernel_holds_is_let_go_with_the_pack) {
  struct Kernel final : c10::OperatorKernel {
    std::shared_ptr<int> held;
    at::Tensor operator()(const at::Tensor& self, c10::string_view approximate) { return twice_gelu(self, approximate); }
  };
  const auto held = std::make_shared<int>(1);
  auto kernel = std::make_unique<Kernel>();
  kernel->held = held;
  Packs packs;
  packs.add("holding", {{"aten::gelu", "", "CPU", c10::KernelFunction::makeFromUnboxedFunctor<false, Kernel>(std::move(kernel))}});
  auto ops = packs.registered();
  ops.reset();
  BOOST_TEST(held.use_count() == 2);
  packs.objects.clear();
  BOOST_TEST(held.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(operators_overloads_and_keys_that_do_not_exist_are_named) {
  check_refused(Packs().add("a", {twice("aten::gelo")}), ExitCode::kPlugin, {"op_pack/a", "no operator \"aten::gelo\"", "did you mean \"aten::gelu\"?"});
  check_refused(Packs().add("a", {twice("aten::gelu", "inn")}), ExitCode::kPlugin, {"op_pack/a", "aten::gelu.inn", "no overload \"inn\"", "\"\", \"out\""});
  check_refused(Packs().add("a", {twice("aten::gelu", "", "AutogradCPUs")}), ExitCode::kPlugin,
                {"op_pack/a", "no dispatch key \"AutogradCPUs\"", "did you mean \"AutogradCPU\"?"});
  check_refused(Packs().add("a", {twice("aten::gelu", "", "Undefined")}), ExitCode::kPlugin, {"no dispatch key \"Undefined\""});
  check_refused(Packs().add("a", {{"aten::gelu", "", "CPU", {}}}), ExitCode::kPlugin, {"op_pack/a", "aten::gelu on CPU", "no kernel"});
}

BOOST_AUTO_TEST_CASE(a_function_with_another_signature_is_refused_and_earlier_ones_are_taken_back) {
  check_refused(Packs().add("a", {twice()}).add("b", {t2::replacement<&no_gelu>("aten::gelu", "", "AutogradCPU")}), ExitCode::kPlugin,
                {"op_pack/b", "aten::gelu on AutogradCPU", "signature"});
}

BOOST_AUTO_TEST_CASE(two_claimants_of_one_kernel_are_an_error_that_names_both) {
  check_refused(Packs().add("a", {twice()}).add("b", {twice()}), ExitCode::kConfig, {"op_pack/a and op_pack/b", "aten::gelu on CPU", "op_pack.order"});
  check_refused(Packs().add("a", {twice(), twice()}), ExitCode::kPlugin, {"op_pack/a", "aten::gelu on CPU", "twice"});
  Packs half;
  half.setup.order = {"b"};
  check_refused(half.add("a", {twice()}).add("b", {twice()}), ExitCode::kConfig, {"op_pack/a and op_pack/b"});
}

BOOST_AUTO_TEST_CASE(the_later_one_of_the_order_wins) {
  const at::Tensor x = at::tensor({0.5f, -1.0f});
  const at::Tensor own = at::gelu(x);
  for (const bool is_twice_last : {true, false}) {
    Packs packs;
    packs.setup.order = is_twice_last ? std::vector<std::string>{"absent", "thrice", "op_pack/twice"} : std::vector<std::string>{"twice", "thrice"};
    const auto ops = packs.add("twice", {twice()}).add("thrice", {t2::replacement<&thrice_gelu>("aten::gelu", "", "CPU")}).registered();
    BOOST_TEST(at::gelu(x).equal(own.mul(is_twice_last ? 2 : 3)));
    BOOST_TEST(ops->descriptions().size() == 1u);
  }
  BOOST_TEST(at::gelu(x).equal(own));
}

BOOST_AUTO_TEST_CASE(a_strict_plan_takes_bit_exact_kernels_only) {
  check_refused(Packs().add("a", {twice()}), ExitCode::kConfig, {"op_pack/a", "aten::gelu on CPU", "not declared bit-exact", "strict"}, fp32_plan());
  BOOST_TEST(Packs().add("a", {t2::replacement<&twice_gelu>("aten::gelu", "", "CPU", true)}).registered(fp32_plan())->descriptions().front() ==
             "op_pack/a: aten::gelu on CPU, bit-exact");
  BOOST_CHECK_NO_THROW(Packs().add("a", {twice()}).registered(bf16_plan()));
}

BOOST_AUTO_TEST_CASE(the_question_for_replacements_is_metered) {
  RecordingMeter meter;
  Packs packs;
  packs.add("a", {twice()}).setup.packs[0].account = 7;
  packs.setup.meter = &meter;
  packs.registered();
  BOOST_TEST((meter.calls == std::vector<std::pair<char, uint32_t>>{{'(', 7}, {')', 7}}));
}

BOOST_AUTO_TEST_SUITE_END()
