// The laws of the engine on a GPU; skipped with a message where there is none.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>

#include "engine/testing/harness.h"
#include "engine/testing/sync_guard.h"

#define ENGINE_TEST_DEVICE "cuda"

namespace {

boost::test_tools::assertion_result has_gpu(boost::unit_test::test_unit_id) {
  boost::test_tools::assertion_result result(trainhost::num_cuda_devices() > 0);
  result.message() << "this machine has no CUDA device";
  return result;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(laws_gpu_test, *boost::unit_test::precondition(has_gpu))
#include "engine/testing/laws.h"
BOOST_AUTO_TEST_SUITE_END()
