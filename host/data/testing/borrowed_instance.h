// What a test and its plugin file share.
#pragma once
#include <trainhost/plugin.h>

namespace trainhost::testing {

struct BorrowedInstance {
  trainhost_instance c{};
  const trainhost_host* host = nullptr;  // set by create
};

}  // namespace trainhost::testing
