// The laws of the engine on the CPU.
#include <rapidcheck.h>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "engine/testing/harness.h"
#include "engine/testing/sync_guard.h"

#define ENGINE_TEST_DEVICE "cpu"

BOOST_AUTO_TEST_SUITE(laws_test)
#include "engine/testing/laws.h"
BOOST_AUTO_TEST_SUITE_END()
