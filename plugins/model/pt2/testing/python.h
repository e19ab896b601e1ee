// Python programs as oracles and as makers of what tests read.
#pragma once

#include <boost/test/unit_test.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace pt2_testing {

// A folder that goes with the object.
struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "trainhost_pt2_XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
};

// What the program prints; the test ends when it fails.
inline std::string python(const std::string& arguments) {
  const char* interpreter = std::getenv("TRAINHOST_PYTHON");
  BOOST_REQUIRE_MESSAGE(interpreter, "TRAINHOST_PYTHON is not set");
  const std::string command = "'" + std::string(interpreter) + "' " + arguments;
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  for (char buffer[4096]; pipe && std::fgets(buffer, sizeof buffer, pipe);) output += buffer;
  BOOST_REQUIRE_MESSAGE(pipe && pclose(pipe) == 0, command << " failed");
  return output;
}

}  // namespace pt2_testing
