// Files in a folder of their own, and a source that is told by lines which of their values become fields.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "files/testing/folder.h"
#include "files/testing/samples.h"

namespace trainhost::testing {

struct TableFiles : TemporaryFolder {
  // `key`: the source's key for the lines.
  explicit TableFiles(std::string key) : lines_key(std::move(key)) {}

  std::string config(const std::string& files, const std::vector<std::string>& lines, const std::string& more = "") const {
    std::string quoted;
    for (const std::string& line : lines) quoted += format("{}\"{}\"", quoted.empty() ? "" : ",", line);
    return format(R"({{"files":"{}","{}":[{}]{}}})", path / files, lines_key, quoted, more);
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

  std::string lines_key;
};

}  // namespace trainhost::testing
