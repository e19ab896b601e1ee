// Parquet files that pyarrow writes, and what the source makes of them.
#pragma once
#include <cstdlib>
#include <string>

#include <trainhost/testing.hpp>

#include "files/testing/tables.h"

namespace trainhost::testing {

struct Tables : TableFiles {
  Tables() : TableFiles("columns") {}

  std::string oracle(const std::string& command) const {
    const char* modules = std::getenv("TRAINHOST_TEST_MODULES");
    ::setenv("PYTHONPATH", modules ? modules : "", 1);
    return python(format("testing/oracle.py {} '{}'", command, path));
  }
};

}  // namespace trainhost::testing
