// The pack's kernel gives the bits of the operator that it replaces.
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/relu.h>

#include <trainhost/torch/op_pack.h>
#include <boost/test/unit_test.hpp>
#include <trainhost/testing.hpp>

namespace t2 = trainhost::t2;

BOOST_AUTO_TEST_SUITE(my_plugin_test)

BOOST_AUTO_TEST_CASE(the_replacement_has_the_bits_of_the_operator) {
  trainhost::testing::PluginUnderTest plugin;
  plugin.create().start();
  auto& pack = const_cast<t2::OpPack&>(plugin.table<t2::OpPack>(t2::OpPack::kInterface));
  BOOST_TEST_REQUIRE(pack.replacements().size() == 1u);
  const t2::OpReplacement& replacement = pack.replacements()[0];
  BOOST_TEST(replacement.op == "aten::relu");

  const at::Tensor x = at::randn({1000});
  const auto op = c10::Dispatcher::singleton().findSchemaOrThrow(replacement.op.c_str(), replacement.overload.c_str());
  const at::Tensor got = replacement.kernel.call<at::Tensor, const at::Tensor&>(op, c10::DispatchKeySet(c10::DispatchKey::CPU), x);
  BOOST_TEST(got.equal(at::relu(x)));
}

BOOST_AUTO_TEST_SUITE_END()
