// Asks a Python program for numbers: tensors go there as safetensors files. For tests of plugins with LibTorch; not part of <trainhost/testing.hpp>.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "trainhost/format.hpp"
#include "trainhost/torch/types.h"

namespace trainhost::testing {

// A folder for one test, gone at its end.
class OracleFolder {
 public:
  OracleFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "trainhost_oracle_XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("no folder can be made below " + name);
    path_ = name;
  }
  ~OracleFolder() { std::filesystem::remove_all(path_); }
  OracleFolder(const OracleFolder&) = delete;
  OracleFolder& operator=(const OracleFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return (path_ / name).string();
  }
  // float32 and int64.
  void write(const std::string& name, const std::vector<t2::NamedTensor>& tensors) const {
    std::string header = R"({"__metadata__":{"format":"pt"})", data;
    for (const t2::NamedTensor& one : tensors) {
      const at::Tensor dense = one.tensor.detach().cpu().contiguous();
      std::string shape;
      for (const int64_t axis : dense.sizes()) shape += (shape.empty() ? "" : ",") + std::to_string(axis);
      const std::size_t begin = data.size();
      data.append(static_cast<const char*>(dense.const_data_ptr()), dense.nbytes());
      header += format(R"(,"{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", one.name, dense.scalar_type() == at::kLong ? "I64" : "F32", shape, begin, data.size());
    }
    header += "}";
    const std::uint64_t size = header.size();
    write(name, std::string(reinterpret_cast<const char*>(&size), sizeof size) + header + data);
  }

  // Runs `python program FOLDER` with the interpreter TRAINHOST_PYTHON; `program` is relative to TRAINHOST_SOURCE_DIR. Returns the numbers that it prints.
  std::vector<double> ask(const std::string& program) const {
    const std::string command = format("'{}' '{}/{}' '{}'", variable("TRAINHOST_PYTHON"), variable("TRAINHOST_SOURCE_DIR"), program, path_.string());
    std::string output;
    FILE* pipe = popen(command.c_str(), "r");
    for (char buffer[256]; pipe && std::fgets(buffer, sizeof buffer, pipe);) output += buffer;
    if (!pipe || pclose(pipe) != 0) throw std::runtime_error(command + " failed");
    std::istringstream words(output);
    std::vector<double> numbers;
    for (double number; words >> number;) numbers.push_back(number);
    return numbers;
  }

 private:
  static std::string variable(const char* name) {
    const char* value = std::getenv(name);
    if (!value) throw std::runtime_error(format("{} is not set; run this test through ctest", name));
    return value;
  }
  std::filesystem::path path_;
};

}  // namespace trainhost::testing
