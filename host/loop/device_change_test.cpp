// Which tensors of the engine's state go over to another type of device.
#include "loop/device_change.h"

#include <boost/test/unit_test.hpp>

using namespace trainhost;

BOOST_AUTO_TEST_SUITE(device_change_test)

namespace {

const std::byte kSaved{1}, kOwn{2};

std::vector<TensorView> state(const std::vector<std::string>& names, const std::byte& bytes) {
  std::vector<TensorView> made;
  for (const std::string& name : names) made.push_back({name, "U8", {1}, &bytes, 1});
  return made;
}

// "engine.step from the checkpoint" is "engine.step=1".
std::vector<std::string> texts(const std::vector<TensorView>& tensors) {
  std::vector<std::string> out;
  for (const TensorView& tensor : tensors) out.push_back(tensor.name + "=" + std::to_string(static_cast<int>(*tensor.data)));
  return out;
}

const std::vector<std::string> kOnCpu{"engine.rng.cpu", "engine.loss_scale", "engine.step"},
    kOnGpu{"engine.rng.cpu", "engine.rng.cuda", "engine.loss_scale", "engine.step"};

}  // namespace

BOOST_AUTO_TEST_CASE(the_generators_tell_the_type) {
  BOOST_TEST(device_type_of(state(kOnCpu, kSaved)) == "cpu");
  BOOST_TEST(device_type_of(state(kOnGpu, kSaved)) == "cuda");
}

BOOST_AUTO_TEST_CASE(a_cpu_leaves_out_the_gpu_s_generator) {
  const std::vector<std::string> wanted{"engine.rng.cpu=1", "engine.loss_scale=1", "engine.step=1"};
  BOOST_TEST(texts(fitted_to_device(state(kOnGpu, kSaved), state(kOnCpu, kOwn))) == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_gpu_keeps_its_own_generator) {
  const std::vector<std::string> wanted{"engine.rng.cpu=1", "engine.loss_scale=1", "engine.step=1", "engine.rng.cuda=2"};
  BOOST_TEST(texts(fitted_to_device(state(kOnCpu, kSaved), state(kOnGpu, kOwn))) == wanted, boost::test_tools::per_element());
}

// What the engine then refuses must not be hidden here.
BOOST_AUTO_TEST_CASE(other_tensors_are_neither_added_nor_left_out) {
  const std::vector<std::string> wanted{"engine.rng.cpu=1", "engine.odd=1"};
  BOOST_TEST(texts(fitted_to_device(state({"engine.rng.cpu", "engine.odd"}, kSaved), state(kOnCpu, kOwn))) == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
