// The error type, and the formatting of its sentences.
#include "base/error.h"

#include <filesystem>

#include <boost/test/unit_test.hpp>

namespace trainhost {

BOOST_AUTO_TEST_SUITE(error_test)

BOOST_AUTO_TEST_CASE(an_error_carries_its_sentence_and_the_exit_code) {
  const Error error(ExitCode::kData, format("{}:{}: got {}, wanted {}; fix it", std::filesystem::path("a/b.txt"), 12, "x", 0.5));
  BOOST_TEST(error.what() == "a/b.txt:12: got x, wanted 0.5; fix it");
  BOOST_TEST((error.code() == ExitCode::kData));
}

BOOST_AUTO_TEST_CASE(exit_codes_are_those_that_schedulers_rely_on) {
  const std::pair<ExitCode, int> contract[] = {{ExitCode::kDone, 0},         {ExitCode::kFailure, 1},
                                               {ExitCode::kConfig, 2},       {ExitCode::kBudget, 10},
                                               {ExitCode::kDiverged, 11},    {ExitCode::kData, 12},
                                               {ExitCode::kPlugin, 13},      {ExitCode::kCheckpointUnreadable, 14},
                                               {ExitCode::kOutOfMemory, 15}, {ExitCode::kCheckpointUnwritable, 16},
                                               {ExitCode::kGateNotMet, 20},  {ExitCode::kPreempted, 75},
                                               {ExitCode::kAborted, 130}};
  for (const auto& [code, number] : contract) BOOST_TEST(static_cast<int>(code) == number);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
