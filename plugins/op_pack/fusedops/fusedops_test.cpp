// What does not need a GPU: the names that may be turned off.
#include <boost/test/unit_test.hpp>

#include <string>

#include <trainhost/testing.hpp>
#include <trainhost/torch/op_pack.h>

BOOST_AUTO_TEST_SUITE(fusedops_test)

BOOST_AUTO_TEST_CASE(a_name_that_is_none_of_its_kernels_is_refused) {
  trainhost::testing::PluginUnderTest plugin;
  BOOST_CHECK_EXCEPTION(plugin.create(R"({"disable": ["layernorm"]})"), std::exception, [](const std::exception& e) {
    const std::string words = e.what();
    return words.find("\"layernorm\"") != std::string::npos && words.find("layer_norm") != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(with_all_names_turned_off_nothing_is_replaced) {
  trainhost::testing::PluginUnderTest plugin;
  plugin.create(R"({"disable": ["cross_entropy", "layer_norm", "linear"]})").start();
  auto& pack = const_cast<trainhost::t2::OpPack&>(plugin.table<trainhost::t2::OpPack>(trainhost::t2::OpPack::kInterface));
  BOOST_TEST(pack.replacements().empty());
}

BOOST_AUTO_TEST_SUITE_END()
