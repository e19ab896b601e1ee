// Folders and Python programs for tests of sources.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

#include <trainhost/format.hpp>

namespace trainhost::testing {

// A folder that goes away with the test.
struct TemporaryFolder {
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "trainhost-source-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("no folder can be made: " + pattern);
    path = pattern;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string write(const std::string& name, const std::string& bytes) const {
    std::filesystem::create_directories((path / name).parent_path());
    std::filesystem::remove(path / name);  // file systems flush what is written over, which takes milliseconds
    std::ofstream(path / name, std::ios::binary) << bytes;
    return (path / name).string();
  }
  std::string content(const std::string& name) const {
    std::ostringstream bytes;
    bytes << std::ifstream(path / name, std::ios::binary).rdbuf();
    return bytes.str();
  }
  std::filesystem::path path;
};

// What `python ARGUMENTS` prints; throws when it fails. The interpreter is TRAINHOST_PYTHON, which has numpy and safetensors.
inline std::string python(const std::string& arguments) {
  const char* chosen = std::getenv("TRAINHOST_PYTHON");
  const std::string command = format("'{}' {}", chosen && *chosen ? chosen : "python3", arguments);
  FILE* pipe = popen(command.c_str(), "r");
  std::string output;
  char buffer[4096];
  while (pipe) {
    const size_t got = std::fread(buffer, 1, sizeof buffer, pipe);
    output.append(buffer, got);
    if (got == 0) break;
  }
  if (!pipe || pclose(pipe) != 0) throw std::runtime_error(command + " failed");
  return output;
}

}  // namespace trainhost::testing
