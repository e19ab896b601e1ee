// Parquet files that pyarrow writes, and what the source makes of them.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <trainhost/testing.hpp>

#include "files/testing/folder.h"
#include "files/testing/samples.h"

namespace trainhost::testing {

struct Tables : TemporaryFolder {
  std::string oracle(const std::string& command) const {
    const char* modules = std::getenv("TRAINHOST_TEST_MODULES");
    ::setenv("PYTHONPATH", modules ? modules : "", 1);
    return python(format("testing/oracle.py {} '{}'", command, path));
  }
  static std::string config_of(const std::string& files, const std::vector<std::string>& lines, const std::string& more = "") {
    std::string columns;
    for (const std::string& line : lines) columns += format("{}\"{}\"", columns.empty() ? "" : ",", line);
    return format(R"({{"files":"{}","columns":[{}]{}}})", files, columns, more);
  }
  std::string config(const std::string& files, const std::vector<std::string>& lines, const std::string& more = "") const {
    return config_of((path / files).string(), lines, more);
  }
  std::string delivered(const std::string& files, const std::string& line, const std::string& more = "") const {
    PluginUnderTest source;
    source.create(config(files, {line}, more)).start();
    return bytes_of_field(source, 0);
  }
  // What starting or reading all samples ends with.
  std::string words(const std::string& files, const std::string& line, const std::string& more = "") const {
    return words_of([&] { delivered(files, line, more); });
  }
  trainhost_status status(const std::string& files, const std::string& line, const std::string& more = "") const {
    return status_of([&] { delivered(files, line, more); });
  }
};

}  // namespace trainhost::testing
