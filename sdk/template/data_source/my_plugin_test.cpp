// Samples depend on their id alone and have their class, read through the C ABI as the host reads.
#include <boost/test/unit_test.hpp>
#include <numeric>
#include <trainhost/testing.hpp>

using namespace trainhost::testing;

BOOST_AUTO_TEST_SUITE(my_plugin_test)

BOOST_AUTO_TEST_CASE(says_what_its_samples_are) {
  PluginUnderTest source;
  source.create(R"({"samples":7})").start();
  const trainhost_source_info info = source_info(source);
  BOOST_TEST((info.num_samples == 7 && info.num_fields == 2));
  BOOST_TEST(trainhost::view(info.fields[1]->name) == "y");
  BOOST_TEST(info.fields[1]->num_classes == 2);
}

BOOST_AUTO_TEST_CASE(a_sample_depends_on_its_id_alone) {
  PluginUnderTest source;
  source.create().start();
  const auto some = read(source, {3, 5, 7}), others = read(source, {7, 3});
  BOOST_TEST(some[0][0].as<float>() == others[1][0].as<float>(), boost::test_tools::per_element());
  BOOST_TEST(some[2][0].as<float>() == others[0][0].as<float>(), boost::test_tools::per_element());
  BOOST_TEST(some[0][0].as<float>() != others[0][0].as<float>());
}

BOOST_AUTO_TEST_CASE(the_class_says_whether_a_point_lies_within_the_circle) {
  PluginUnderTest source;
  source.create().start();
  std::vector<std::uint64_t> ids(1000);
  std::iota(ids.begin(), ids.end(), std::uint64_t{0});
  int num_within = 0;
  for (const Sample& sample : read(source, ids)) {
    const auto x = sample[0].as<float>();
    const bool is_within = sample[1].as<std::int64_t>()[0] == 1;
    BOOST_TEST_REQUIRE(is_within == (x[0] * x[0] + x[1] * x[1] < 0.64f));
    num_within += is_within;
  }
  // The circle has 0.64 * pi / 4 = 0.503 of the square; 1000 draws have a deviation of 16.
  BOOST_TEST((num_within > 440 && num_within < 566));
}

BOOST_AUTO_TEST_SUITE_END()
