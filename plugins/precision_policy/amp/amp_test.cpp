// amp chooses what pays, runs what was asked for, refuses what the device cannot do.
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <trainhost/testing.hpp>

using namespace trainhost::testing;
using trainhost::same;

namespace {

struct Case {
  const char* dtype;
  std::int32_t device;
  std::uint32_t capability;
  trainhost_status status;
  const char* result;  // dtype, or words of the refusal
};
std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.dtype << " on device " << c.device << " of capability " << c.capability;
}

constexpr auto kCpu = TRAINHOST_DEVICE_CPU, kCuda = TRAINHOST_DEVICE_CUDA;
const Case kCases[] = {
    {"auto", kCuda, 90, TRAINHOST_OK, "bf16"},
    {"auto", kCuda, 80, TRAINHOST_OK, "bf16"},
    {"auto", kCuda, 75, TRAINHOST_OK, "fp16"},
    {"auto", kCuda, 61, TRAINHOST_FAILED_PRECONDITION, "compute capability 6.1, reduced precision pays from 7.0 on; use the policy fp32"},
    {"auto", kCpu, TRAINHOST_CPU_BF16, TRAINHOST_OK, "bf16"},
    {"auto", kCpu, 0, TRAINHOST_OK, "fp32"},
    {"auto", kCpu, TRAINHOST_CPU_FP16, TRAINHOST_OK, "fp32"},
    {"bf16", kCpu, 0, TRAINHOST_OK, "bf16"},
    {"bf16", kCuda, 75, TRAINHOST_FAILED_PRECONDITION, "bf16 needs compute capability 8.0, and device has 7.5; use dtype = \"fp16\""},
    {"fp16", kCuda, 90, TRAINHOST_OK, "fp16"},
    {"fp16", kCuda, 60, TRAINHOST_OK, "fp16"},
    {"fp16", kCuda, 50, TRAINHOST_FAILED_PRECONDITION, "use the policy fp32"},
    {"fp16", kCpu, 0, TRAINHOST_FAILED_PRECONDITION, "fp16 needs a CPU with fp16 units (AVX512-FP16)"},
    {"fp16", kCpu, TRAINHOST_CPU_FP16, TRAINHOST_OK, "fp16"},
};

}  // namespace

BOOST_AUTO_TEST_SUITE(amp_test)

BOOST_DATA_TEST_CASE(plans_or_refuses, boost::unit_test::data::make(kCases), c) {
  PluginUnderTest policy;
  policy.create(trainhost::format(R"({{"dtype":"{}"}})", c.dtype)).start();
  trainhost_precision_plan answer{};
  trainhost_status status = TRAINHOST_OK;
  const std::string words = words_of([&] {
    status = status_of([&] { answer = plan(policy, c.device, c.capability); });
    if (status) plan(policy, c.device, c.capability);
  });
  BOOST_TEST(status == c.status);
  if (status) {
    BOOST_TEST(words.find(c.result) != std::string::npos, words);
    return;
  }
  const std::string dtype = c.result;
  BOOST_TEST(same(answer.compute, dtype == "bf16" ? trainhost::kBFloat16 : dtype == "fp16" ? trainhost::kFloat16 : trainhost::kFloat32));
  BOOST_TEST(answer.flags == (dtype == "fp32" ? 0u : unsigned{TRAINHOST_PRECISION_AUTOCAST}));
  BOOST_TEST(answer.scale_mode == (dtype == "fp16" ? TRAINHOST_SCALE_DEVICE : TRAINHOST_SCALE_NONE));
  for (const auto kept : {answer.parameter, answer.master, answer.gradient}) BOOST_TEST(same(kept, trainhost::kFloat32));
}

BOOST_AUTO_TEST_CASE(says_so_when_auto_computes_in_fp32) {
  PluginUnderTest policy;
  policy.create().start();
  plan(policy, kCpu, 0);
  BOOST_TEST(policy.host.has_logged(TRAINHOST_LOG_INFO, "computing in fp32"));
}

BOOST_AUTO_TEST_CASE(warns_when_an_explicit_choice_is_slow) {
  PluginUnderTest policy;
  policy.create(R"({"dtype":"bf16"})").start();
  plan(policy, kCpu, 0);
  BOOST_TEST(policy.host.has_logged(TRAINHOST_LOG_WARNING, "many times slower"));
}

BOOST_AUTO_TEST_CASE(scaling_has_torchs_constants_unless_the_config_says_otherwise) {
  PluginUnderTest policy;
  const auto by_default = plan(policy.create(R"({"dtype":"fp16"})").start(), kCuda, 90);
  BOOST_TEST(by_default.initial_scale == 65536.0);
  BOOST_TEST(by_default.growth_factor == 2.0);
  BOOST_TEST(by_default.backoff_factor == 0.5);
  BOOST_TEST(by_default.growth_interval == 2000u);
  const auto changed = plan(policy.create(R"({"dtype":"fp16","initial_scale":1024,"growth_interval":7})").start(), kCuda, 90);
  BOOST_TEST(changed.initial_scale == 1024.0);
  BOOST_TEST(changed.growth_interval == 7u);
}

BOOST_AUTO_TEST_SUITE_END()
