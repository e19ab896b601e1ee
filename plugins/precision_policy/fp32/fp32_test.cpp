// fp32 plans strict float32 on every device.
#include <boost/test/unit_test.hpp>
#include <trainhost/testing.hpp>

using namespace trainhost::testing;

BOOST_AUTO_TEST_SUITE(fp32_test)

BOOST_AUTO_TEST_CASE(plans_deterministic_float32_without_tf32_on_every_device) {
  PluginUnderTest policy;
  policy.create().start();
  for (const auto& [device, capability] :
       {std::pair{TRAINHOST_DEVICE_CPU, 0u}, {TRAINHOST_DEVICE_CPU, 3u}, {TRAINHOST_DEVICE_CUDA, 61u}, {TRAINHOST_DEVICE_CUDA, 90u}}) {
    const auto answer = plan(policy, device, capability);
    BOOST_TEST(answer.flags == static_cast<unsigned>(TRAINHOST_PRECISION_DETERMINISTIC));
    for (const auto dtype : {answer.compute, answer.parameter, answer.master, answer.gradient}) BOOST_TEST(trainhost::same(dtype, trainhost::kFloat32));
    BOOST_TEST(answer.scale_mode == TRAINHOST_SCALE_NONE);
  }
}

BOOST_AUTO_TEST_CASE(has_no_state_and_no_keys) {
  PluginUnderTest policy;
  policy.create();
  BOOST_TEST(!policy.has(TRAINHOST_STATE));
  BOOST_TEST(status_of([&] { policy.create(R"({"dtype":"bf16"})"); }) == TRAINHOST_INVALID_ARGUMENT);
}

BOOST_AUTO_TEST_SUITE_END()
