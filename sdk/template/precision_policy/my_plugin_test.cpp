// The policy plans bf16 where there are units for it, asked through the C ABI as the host asks.
#include <boost/test/unit_test.hpp>
#include <trainhost/testing.hpp>

using namespace trainhost::testing;

BOOST_AUTO_TEST_SUITE(my_plugin_test)

BOOST_AUTO_TEST_CASE(bf16_where_the_device_has_units_for_it) {
  PluginUnderTest policy;
  policy.create().start();
  for (const auto& [device, capability] : {std::pair{TRAINHOST_DEVICE_CUDA, 80u}, {TRAINHOST_DEVICE_CUDA, 90u}, {TRAINHOST_DEVICE_CPU, 3u}}) {
    const auto answer = plan(policy, device, capability);
    BOOST_TEST(trainhost::same(answer.compute, trainhost::kBFloat16));
    BOOST_TEST(trainhost::same(answer.master, trainhost::kFloat32));
    BOOST_TEST(answer.flags == static_cast<unsigned>(TRAINHOST_PRECISION_AUTOCAST));
  }
}

BOOST_AUTO_TEST_CASE(float32_elsewhere_and_says_so) {
  PluginUnderTest policy;
  policy.create(R"({"deterministic": true})").start();
  for (const auto& [device, capability] : {std::pair{TRAINHOST_DEVICE_CUDA, 75u}, {TRAINHOST_DEVICE_CPU, 0u}, {TRAINHOST_DEVICE_CPU, 2u}}) {
    const auto answer = plan(policy, device, capability);
    BOOST_TEST(trainhost::same(answer.compute, trainhost::kFloat32));
    BOOST_TEST(answer.flags == static_cast<unsigned>(TRAINHOST_PRECISION_DETERMINISTIC));
  }
  BOOST_TEST(policy.host.has_logged(TRAINHOST_LOG_INFO, "device has no units for bf16; computing in float32"));
}

BOOST_AUTO_TEST_SUITE_END()
